"""English sentences in Chinese, for the page: what can go wrong (`sentences.py`).

They are raised as English sentences and are matched by patterns. A sentence without a pattern is shown as it is.
"""

from __future__ import annotations

import ast
import re
from string import Formatter
from typing import Final

from classifier.errors import Message
from classifier.i18n import Language, translate
from classifier.paths import displayable
from classifier.web.sentences import SENTENCES

_QUOTED: Final = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
"""A name as Python quotes it, whatever is in it."""
_ITSELF_TOLD: Final = "why"


def sentence_in_chinese(sentence: str) -> str:
    """The sentence in Chinese; names, paths and numbers stay as they are."""
    for pattern, quoted, chinese in _PATTERNS:
        if (found := pattern.fullmatch(sentence)) is not None:
            parts = found.groupdict()
            parts |= {name: ast.literal_eval(parts[name]) for name in quoted}
            parts |= {name: sentence_in_chinese(part) for name, part in parts.items() if name.startswith(_ITSELF_TOLD)}
            return chinese.format(**parts)
    return sentence


def in_both_languages(name: str, message: Message | str) -> dict[str, str]:
    """The sentence for the page: under `name` in English, under `name`_zh in Chinese."""
    english, chinese = str(message), translate(message, Language.CHINESE)
    told = {name: english, f"{name}_zh": sentence_in_chinese(english) if chinese == english else chinese}
    return {key: displayable(text, keep="\n") for key, text in told.items()}


def _compiled(english: str, chinese: str) -> tuple[re.Pattern[str], tuple[str, ...], str]:
    """The pattern of a sentence, those of its parts that are quoted, and what it is in Chinese."""
    pattern, quoted = "", []
    for text, name, _, conversion in Formatter().parse(english):
        pattern += re.escape(text)
        if name is not None:
            pattern += f"(?P<{name}>{_QUOTED if conversion else '.+?'})"
            quoted += [name] if conversion else []
    return re.compile(pattern, re.DOTALL), tuple(quoted), chinese


_PATTERNS: Final = tuple(_compiled(*pair) for pair in SENTENCES.items())
