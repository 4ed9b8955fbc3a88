"""Reads the sentences in which earlier versions stored why a file could not be read, as codes and parameters.

Only the migration `m017_failure_codes` uses this module, so it changes no more than that step does. A sentence that it
does not know is kept as the code "text".
"""

from __future__ import annotations

import errno
import os
import re
from typing import TYPE_CHECKING, Any, Final

from classifier.paths import to_json

if TYPE_CHECKING:
    import sqlite3

_SENTENCES: Final = {
    "the file is empty": "empty_file",
    "it does not begin like any picture format that is known": "no_known_format",
    "there was not enough memory to decode it": "out_of_memory",
    "there was not enough memory to read the file": "no_memory_to_read",
    "it is no longer there": "gone",
    "it was there when the crawl was scanned": "vanished",
}
_NUMBER: Final = r"\d[\d.e+-]*"
_PATTERNS: Final = {
    re.compile(pattern, re.DOTALL): code
    for pattern, code in {
        r"(?P<format>[\w. -]+) pictures are not read(?:; (?P<readable>[\w, ]+) are)?": "format_not_read",
        r"(?P<width>\d+) x (?P<height>\d+) is "
        rf"(?P<megapixels>{_NUMBER}) megapixels; the limit is (?P<limit>{_NUMBER})": "size_limit",
        rf"the file has (?P<size_bytes>[\d,]+) bytes, more than (?P<limit>{_NUMBER}) megapixels can take": (
            "length_limit"
        ),
        r"there was not enough memory to decode this (?P<format>\w+) picture": "out_of_memory",
        rf"reading it takes more than (?P<seconds>{_NUMBER}) seconds": "deadline",
        r"the decoder died \(signal (?P<signal>\d+)\) while reading it": "decoder_died",
        r"the decoder died \(exit code (?P<exit_code>\d+)\) while reading it": "decoder_died",
        r"(?P<format>\w+): the file does not go on as it begins": "broken_off",
        r"(?P<source>[A-Z]+|\w*(?:Error|Exception|Warning)): (?P<words>.*)": "decoder",
    }.items()
}
_INTEGERS: Final = frozenset({"width", "height", "size_bytes", "signal", "exit_code"})
_FLOATS: Final = frozenset({"megapixels", "limit", "seconds"})
_SYSTEM: Final = {os.strerror(number): name for number, name in errno.errorcode.items()}


def add_function(connection: sqlite3.Connection) -> None:
    """Add the SQL function `failure_reason` of a stored sentence, cast to BLOB: code and parameters as JSON."""
    connection.create_function("failure_reason", 1, _as_json, deterministic=True)


def _as_json(sentence: bytes) -> str:
    code, params = read_failure(sentence.decode(errors="replace"))
    return to_json({"code": code} | dict(sorted(params.items())))


def read_failure(sentence: str) -> tuple[str, dict[str, Any]]:
    """The code and parameters of a sentence."""
    if (alone := _SENTENCES.get(sentence)) is not None:
        return alone, {}
    if (name := _SYSTEM.get(sentence)) is not None:
        return "system", {"errno": name, "words": sentence}
    for pattern, code in _PATTERNS.items():
        if (found := pattern.fullmatch(sentence)) is not None:
            try:
                return code, {name: _value(name, text) for name, text in found.groupdict().items() if text is not None}
            except ValueError:
                break
    return "text", {"text": sentence}


def _value(name: str, text: str) -> Any:
    if name in _INTEGERS:
        return int(text.replace(",", ""))
    if name in _FLOATS:
        return float(text)
    return text.split(", ") if name == "readable" else text
