"""What goes wrong, told to the page in English and in Chinese: each sentence has its line in `sentences.py`.

A sentence that is not known is told as it is.
"""

from __future__ import annotations

import ast
import asyncio
import re
from string import Formatter
from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException

from classifier.catalog.connection import damage_told
from classifier.errors import IllsortError
from classifier.paths import displayable
from classifier.web.json_response import Answer
from classifier.web.sentences import SENTENCES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from pathlib import Path

    from starlette.requests import Request

_QUOTED: Final = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
"""A name as Python quotes it, whatever is in it."""
_ITSELF_TOLD: Final = "why"


def in_chinese(sentence: str) -> str:
    """The same in Chinese; names, paths and numbers in it stay as they are."""
    for pattern, quoted, chinese in _PATTERNS:
        if (found := pattern.fullmatch(sentence)) is not None:
            parts = found.groupdict()
            parts |= {name: ast.literal_eval(parts[name]) for name in quoted}
            parts |= {name: in_chinese(part) for name, part in parts.items() if name.startswith(_ITSELF_TOLD)}
            return chinese.format(**parts)
    return sentence


def both(name: str, sentence: str) -> dict[str, str]:
    """The sentence as the page takes it: under `name` in English, beside it in Chinese."""
    told = {name: sentence, f"{name}_zh": in_chinese(sentence)}
    return {key: displayable(text, keep="\n") for key, text in told.items()}


def left_of(left: Iterable[tuple[Path, str]]) -> list[dict[str, str]]:
    """The pictures that could not be moved, and why."""
    return [{"name": displayable(path.name), **both("why", why)} for path, why in left]


async def refuse(_: Request, error: Exception) -> Answer:
    """The answer to a request that ends in an IllsortError, or that was not understood."""
    if isinstance(error, HTTPException):
        return Answer(both("error", error.detail), status_code=error.status_code, headers=error.headers)
    return Answer(both("error", str(error)), status_code=409)


def refuse_damaged(library: Path) -> Callable[[Request, Exception], Awaitable[Answer]]:
    """Answers a request that a damaged catalog ended; any other error is our bug, and stays it."""

    async def answer(request: Request, error: Exception) -> Answer:
        def find_damage() -> None:
            with damage_told(library):
                raise error

        try:
            await asyncio.to_thread(find_damage)
        except IllsortError as damaged:
            told = await refuse(request, damaged)
            told.status_code = 500
            return told
        raise error

    return answer


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
