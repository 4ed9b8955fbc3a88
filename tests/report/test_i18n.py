"""Words and numbers as a person reads them."""

# ruff: noqa: RUF001 - Chinese has its own punctuation

from __future__ import annotations

import pytest

from classifier.errors import Message
from classifier.report.i18n import both, no_guarantee_reason, percent, shortened, width_of


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
def test_a_share_has_a_decimal_only_near_0_and_1(share: float | None, shown: str) -> None:
    assert shown == percent(share)


def test_a_message_is_in_both_languages_and_its_names_are_escaped() -> None:
    told = both("{count:,} pictures could be read but not be filed; illsort status lists them.", count=7)

    assert '<span class="en" lang="en">7 pictures could' in told
    assert '<span class="zh" lang="zh">7 张图片可读' in told
    assert 2 == both("in {name} <b>", name="<script>").count("in &lt;script&gt; &lt;b&gt;")


def test_a_message_in_a_message_has_the_language_of_it() -> None:
    told = both("The last sort promised: {promise}.", promise=Message("held out"))

    assert "The last sort promised: held out." in told
    assert "最近一次整理的保证：留出。" in told


def test_markup_and_invisible_characters_in_a_name_are_escaped() -> None:
    assert r"\u202e" in both("{name}", name="\u202egpj")


def test_the_reason_for_no_guarantee_is_found_by_its_code() -> None:
    assert "picked" in no_guarantee_reason("picked")
    assert "too few" in no_guarantee_reason("a later code")


def test_braces_in_a_name_are_no_place_to_fill_in() -> None:
    assert "{0} {name}" in both("{name}", name="{0} {name}")


def test_a_long_name_loses_its_middle() -> None:
    assert "abcdefgh" == shortened("abcdefgh", 8)
    assert 8 == len(shortened("abcdefghijkl", 8))
    assert shortened("abcdefghijkl", 8).startswith("abcde")
    assert shortened("abcdefghijkl", 8).endswith("kl")


def test_chinese_letters_take_more_room() -> None:
    assert width_of("图库") > width_of("ab")
