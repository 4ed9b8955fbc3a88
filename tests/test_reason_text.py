"""Every reason of a decision has its words, in both languages, whatever a category is called."""

# ruff: noqa: RUF001 - Chinese has its own punctuation

from __future__ import annotations

import re
from typing import Any

import pytest

from classifier.i18n import Language, translate
from classifier.reason_text import reason_message
from classifier.reasons import Reason, ReasonCode

NAMES = ("chibi", "a: below 0.9", "not chibi (2)", "{name}", "四格漫画")
LATIN = re.compile(r"[a-z]{3}")


def reasons(name: str) -> dict[ReasonCode, Reason]:
    """One reason of each code."""
    top, day = [[name, 0.61], ["页面", 0.35]], {"date": "2026-11-24"}
    compared = {"threshold": 0.9, "top": top}
    unlike = {"distance": 0.25, "limit": 0.2, "top": top}
    annotated = {"category": name, "origin": "audit", **day}
    params: dict[str, dict[str, Any]] = {
        "above_threshold": compared,
        "below_threshold": compared,
        "above_guarantee": {"digits": 3, **compared},
        "below_guarantee": {"digits": 3, **compared},
        "no_guarantee": {"digits": 3, "top": top},
        "sure_of_parent": {"digits": 2, "levels": 1, "parent": name, "share": 0.96, **compared},
        "copy_of": {"copy_of": "0" * 64, "name": name},
        "below_audited": {"digits": 4, "max_error": 0.02, **compared, **day},
        "ood": unlike,
        "near_ood": unlike,
        "annotated": annotated,
        "annotated_wrong": annotated,
        "annotated_none": {"origin": "review", **day},
        "truncated": {"top": top},
        "retracted": {"top": top},
        "text": {"text": "旧"},
        "format_not_read": {"format": "PSD", "readable": ["GIF", "PNG"]},
        "format_not_installed": {"command": "装", "format": "PSD"},
        "size_limit": {"height": 2000, "limit": 1.5, "megapixels": 2.0, "width": 1000},
        "length_limit": {"limit": 1.5, "size_bytes": 68_157_440},
        "broken_off": {"format": "PNG"},
        "decoder": {"source": "PNG", "words": "坏"},
        "out_of_memory": {"format": "PNG"},
        "deadline": {"seconds": 60.0},
        "decoder_died": {"signal": 9},
        "system": {"errno": "EACCES", "words": "Permission denied"},
    }
    return {code: Reason.of(code, **params.get(code.value, {})) for code in ReasonCode}


def chinese(code: str, **params: Any) -> str:
    return translate(reason_message(Reason.of(ReasonCode(code), **params)), Language.CHINESE)


@pytest.mark.parametrize("name", NAMES)
def test_every_reason_is_a_sentence_in_both_languages(name: str) -> None:
    for code, reason in reasons(name).items():
        english, said = str(reason_message(reason)), translate(reason_message(reason), Language.CHINESE)
        assert code.value != english
        assert not LATIN.search(said.replace(name, "")), (code, said)
        assert (name in english) == (name in said) == (name in reason.json)


def test_numbers_and_names_stay_as_they_are() -> None:
    assert "0.61 chibi，0.35 page：低于 0.9" == chinese(
        "below_threshold", threshold=0.9, top=[["chibi", 0.61], ["page", 0.35]]
    )
    assert "0.610 chibi：不低于“chibi”的阈值 0.6" == chinese(
        "above_guarantee", digits=3, threshold=0.6, top=[["chibi", 0.61]]
    )
    assert "有人说它不是“chibi”（2026-11-24 抽查）" == chinese(
        "annotated_wrong", category="chibi", date="2026-11-24", origin="audit"
    )
    assert "0.7000 chibi：低于 0.9000，即最多错 2.0% 所需的最低阈值（2026-11-24 抽查）" == chinese(
        "below_audited", date="2026-11-24", digits=4, max_error=0.02, threshold=0.9, top=[["chibi", 0.7]]
    )
    assert "something new" == chinese("text", text="something new")


@pytest.mark.parametrize(
    "params",
    ["{}", '{"sort": 5}', '{"top": 5}', '{"top": [[1]]}', '{"digits": "x", "top": [[]]}', '{"digits": 900000000}'],
)
def test_a_reason_with_damaged_parameters_is_its_code(params: str) -> None:
    for code in (ReasonCode.BELOW_THRESHOLD, ReasonCode.ANNOTATED, ReasonCode.BELOW_AUDITED, ReasonCode.TEXT):
        assert code.value == str(reason_message(Reason(code, params)))


def test_guesses_are_listed_as_each_language_does() -> None:
    reason = Reason.of(ReasonCode.BELOW_THRESHOLD, threshold=0.9, top=(("刻晴", 0.5625), ("{甘雨}", 0.25)))

    message = reason_message(reason)

    assert str(message) == "0.56 刻晴, 0.25 {甘雨}: below 0.9"
    assert translate(message, Language.CHINESE) == "0.56 刻晴，0.25 {甘雨}：低于 0.9"
