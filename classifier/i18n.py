"""Messages in the language of whoever reads them, by gettext: English in the source, Chinese in `locale/`.

`translate` is for any language, as the page needs, which shows both; `_` and `count_` are for what is printed, in the
language that the command line set. `scripts/messages.py` collects the templates and compiles the catalogs.
"""

from __future__ import annotations

import gettext
import os
import sys
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final

from classifier.errors import Counted, Message, SystemMessage

LOCALE: Final = Path(__file__).parent / "locale"
DOMAIN: Final = "illsort"
SYSTEM: Final = "system"
"""The context of the codes of the operating system and SQLite."""
_CHINESE_ON_WINDOWS: Final = 0x04  # the primary language in the low ten bits of a language id


class Language(StrEnum):
    """A language that illsort speaks."""

    ENGLISH = "en"
    CHINESE = "zh_CN"

    @classmethod
    def of_locale(cls, name: str) -> Language:
        """That of a locale, such as zh, zh-CN or zh_CN.UTF-8; English for one that illsort does not speak."""
        return cls.CHINESE if name.lower().startswith("zh") else cls.ENGLISH


@cache
def gettext_for(language: Language) -> gettext.NullTranslations:
    """The catalog of a language; that of English is empty, for its templates are the keys."""
    if language is Language.ENGLISH:
        return gettext.NullTranslations()
    return gettext.translation(DOMAIN, LOCALE, [language])


def translate(message: str, language: Language) -> str:
    """The message as a sentence of the language; in English where there is no translation. Text is its own template."""
    if not isinstance(message, Message):
        message = Message(message)
    if not message.params:
        return _template(message, language)
    params = {name: _translated(value, language) for name, value in message.params.items()}
    return _template(message, language).format(**params)


def _template(message: Message, language: Language) -> str:
    catalog = gettext_for(language)
    match message:
        case Counted(one=one, many=many, params={"count": int(count)}):
            return catalog.ngettext(one, many, count)
        case SystemMessage(template=words, code=code):
            translated = catalog.pgettext(SYSTEM, code)
            return words if translated == code else translated
        case Message(template=template):
            return catalog.gettext(template) if template else ""  # the empty one is the catalog's header


def _translated(value: object, language: Language) -> object:
    return translate(value, language) if isinstance(value, Message) else value


def user_language(environment: Mapping[str, str] = os.environ) -> Language:
    """The language of the person at this machine: that of the locale, or on Windows of its menus."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if environment.get(name):
            return Language.of_locale(environment[name])
    if sys.platform == "win32":  # pragma: no cover - Windows
        import ctypes  # noqa: PLC0415 - only here

        language = ctypes.windll.kernel32.GetUserDefaultUILanguage()
        return Language.CHINESE if language & 0x3FF == _CHINESE_ON_WINDOWS else Language.ENGLISH
    return Language.ENGLISH


_current = Language.ENGLISH


def set_language(language: Language) -> None:
    """Print in this language from here on."""
    global _current  # noqa: PLW0603 - one process prints in one language
    _current = language


def _(template: str, /, **params: object) -> str:
    """A message in the language of what is printed."""
    return translate(template if isinstance(template, Message) else Message(template, **params), _current)


def count_(one: str, many: str, /, *, count: int, **params: object) -> str:
    """The same of a message that depends on a number: `count_("{count} image", "{count} images", count=2)`."""
    return translate(Counted(one, many, count=count, **params), _current)
