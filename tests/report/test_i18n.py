"""Words and numbers as a person reads them."""

from __future__ import annotations

import pytest
from markupsafe import Markup

from classifier.report.i18n import both, method_in_chinese, percent, shortened, width_of


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (None, "\N{EN DASH}"),
        (0.0, "0%"),
        (1.0, "100%"),
        (0.05, "5%"),
        (0.013, "1.3%"),
        (0.874, "87%"),
        (0.985, "98.5%"),
    ],
)
def test_a_share_has_a_decimal_only_where_it_tells_something(share: float | None, shown: str) -> None:
    assert shown == percent(share)


def test_names_are_shown_as_text_in_both_languages_and_markup_as_markup() -> None:
    told = both("in {name} <b>", "在 {name}", name="<script>")

    assert 2 == told.count("&lt;script&gt;")
    assert "&lt;b&gt;" in told
    assert '<span class="zh" lang="zh">' in told
    assert "<i>" in both("{x}", "{x}", x=Markup("<i>"))


def test_braces_in_a_name_are_no_place_to_fill_in() -> None:
    assert "{0} {name}" in both("{name}", "{name}", name="{0} {name}")


def test_a_long_name_loses_its_middle() -> None:
    assert "abcdefgh" == shortened("abcdefgh", 8)
    assert 8 == len(shortened("abcdefghijkl", 8))
    assert shortened("abcdefghijkl", 8).startswith("abcde")
    assert shortened("abcdefghijkl", 8).endswith("kl")


def test_chinese_letters_take_more_room() -> None:
    assert width_of("图库") > width_of("ab")


def test_how_it_was_judged_is_said_in_chinese_where_that_is_known() -> None:
    assert ("留出", "3 折交叉", "otherwise") == tuple(
        method_in_chinese(how) for how in ("held out", "cross-fitted in 3 parts", "otherwise")
    )
