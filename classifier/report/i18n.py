"""Text in two languages, and numbers formatted for reading."""

# ruff: noqa: RUF001 - Chinese has its own punctuation

from __future__ import annotations

import unicodedata
from typing import Final, NamedTuple

from markupsafe import Markup, escape

_FEW = 0.0995
_NEARLY_ALL = 0.9795
_WIDE_UNITS = 13.0
_NARROW_UNITS = 7.2
NOTHING = "\N{EN DASH}"


class Text(NamedTuple):
    """The same in English and in Chinese."""

    en: str
    zh: str


def both(en: str, zh: str, **values: object) -> Markup:
    """Both languages, of which the page shows one; `values` fill the braces, escaped unless they are markup."""
    return Markup('<span class="en" lang="en">{}</span><span class="zh" lang="zh">{}</span>').format(
        escape(en).format(**values), escape(zh).format(**values)
    )


def method_in_chinese(how: str) -> str:
    """How the holdout predictions were made, in Chinese; unchanged if it is not known."""
    parts = "".join(letter for letter in how if letter.isdigit())
    return {"held out": "留出", f"cross-fitted in {parts} parts": f"{parts} 折交叉"}.get(how, how)


_NO_GUARANTEE: Final = {
    "picked": Text(
        "No guarantee: the labels were picked, not drawn by chance.", "没有保证：标注是挑选的，不是随机抽取的。"
    ),
    "fitted": Text(
        "No guarantee: the backbone has learned from these labels, or may have.",
        "没有保证：骨干网络学过这些标注，或可能学过。",
    ),
    "none": Text(
        "No guarantee: this model keeps nothing to judge an error rate by.",
        "没有保证：这个模型没有保留评估错误率的依据。",
    ),
    "few": Text(
        "No guarantee: too few pictures drawn by chance were judged.", "没有保证：随机抽取并评估过的图片太少。"
    ),
}
"""By the code that NoGuarantee has."""


def no_guarantee_reason(why: str) -> Markup:
    """Why there is no guarantee, by its code."""
    return both(*_NO_GUARANTEE.get(why, _NO_GUARANTEE["few"]))


def percent(share: float | None, *, whole: bool = False) -> str:
    """A share 0..1 in percent, with a decimal near 0 and 1 unless `whole`; a dash for what is not known."""
    if share is None:
        return NOTHING
    if whole or _FEW <= share <= _NEARLY_ALL:
        return f"{share:.0%}"
    return f"{share:.1%}".replace(".0%", "%")


def width_of(text: str) -> float:
    """About how many units wide a text of the drawings' usual size is."""
    return sum(_WIDE_UNITS if unicodedata.east_asian_width(letter) in "WF" else _NARROW_UNITS for letter in text)


def shortened(text: str, most: int) -> str:
    """The text, its middle left out where it is longer than `most` characters."""
    if len(text) <= most:
        return text
    head = most * 2 // 3
    return f"{text[:head]}\N{HORIZONTAL ELLIPSIS}{text[-(most - head - 1) :]}"
