"""Messages in both languages, of which the page shows one, and formatted numbers."""

from __future__ import annotations

import unicodedata
from typing import Final

from markupsafe import Markup

from classifier.errors import Message
from classifier.i18n import Language, translate
from classifier.paths import displayable

CLASSES: Final = {"en": Language.ENGLISH, "zh": Language.CHINESE}
"""The class of the page's elements in a language; it is also their `lang`."""
_SPANS: Final = Markup('<span class="en" lang="en">{}</span><span class="zh" lang="zh">{}</span>')
_FEW = 0.0995
_NEARLY_ALL = 0.9795
_WIDE_UNITS = 13.0
_NARROW_UNITS = 7.2
NOTHING = "\N{EN DASH}"


def sentences(message: str) -> dict[str, str]:
    """A message in each language, by its class."""
    return {name: displayable(translate(message, language)) for name, language in CLASSES.items()}


def both(template: str, **params: object) -> Markup:
    """A message in both languages; names in it are text, whatever letters they have."""
    message = template if isinstance(template, Message) else Message(template, **params)
    return _SPANS.format(*sentences(message).values())


_NO_GUARANTEE: Final = {
    "picked": Message("No guarantee: the labels were picked, not drawn by chance."),
    "fitted": Message("No guarantee: the backbone has learned from these labels, or may have."),
    "none": Message("No guarantee: this model keeps nothing to judge an error rate by."),
    "few": Message("No guarantee: too few pictures drawn by chance were judged."),
}
"""By the code of NoGuarantee."""


def no_guarantee_reason(why: str) -> Message:
    """Why there is no guarantee, by its code."""
    return _NO_GUARANTEE.get(why, _NO_GUARANTEE["few"])


def percent(share: float | None, *, whole: bool = False) -> str:
    """A share 0..1 in percent, with a decimal near 0 and 1 unless `whole`; a dash for None."""
    if share is None:
        return NOTHING
    if whole or _FEW <= share <= _NEARLY_ALL:
        return f"{share:.0%}"
    return f"{share:.1%}".replace(".0%", "%")


def width_of(text: str) -> float:
    """The approximate width in SVG units of a text in the usual size."""
    return sum(_WIDE_UNITS if unicodedata.east_asian_width(letter) in "WF" else _NARROW_UNITS for letter in text)


def shortened(text: str, most: int) -> str:
    """The text, shortened in the middle to at most `most` characters."""
    if len(text) <= most:
        return text
    head = most * 2 // 3
    return f"{text[:head]}\N{HORIZONTAL ELLIPSIS}{text[-(most - head - 1) :]}"
