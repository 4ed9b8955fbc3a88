"""Reads the sentences in which earlier versions stored reasons and failures, as codes and parameters.

Only the migrations `m016_reason_codes` and `m017_failure_codes` use this module, so it changes no more than those steps
do. An unknown sentence is kept as the code "text".
"""

from __future__ import annotations

import errno
import os
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from classifier.paths import to_json

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator

_Params = dict[str, Any]
_LONGEST: Final = 4000
"""The longest sentence that is read; all that illsort wrote are shorter."""

_SOURCE: Final = r"\((?P<origin>audit|review|labels) of (?P<date>[^)]{10})\)"
_GUESS: Final = re.compile(r"(\d\.(\d{1,9})) (.+)", re.DOTALL)
_THRESHOLD: Final = r"(?P<threshold>\d[\d.e+-]*)"
_DISTANCE: Final = r"\(distance (?P<distance>\d+\.\d{3})"
_LIMIT: Final = r"(?P<limit>\d+\.\d{3})\)"
_WHY: Final = {
    "above_threshold": f"at least {_THRESHOLD}",
    "below_threshold": f"below {_THRESHOLD}",
    "above_guarantee": f"at least {_THRESHOLD} for (?P<first>.+)",
    "below_guarantee": f"below {_THRESHOLD} for (?P<first>.+)",
    "no_guarantee": "no error rate can be promised for (?P<first>.+)",
    "below_audited": r"below (?P<audited>\d+\.\d{4})(, the least for at most (?P<max_error>\d+\.\d)% wrong)? "
    r"\(audit of (?P<date>[^)]{10})\)",
    "truncated": "the file ends early, so only a part of the picture was seen",
    "ood": f"unlike every labelled picture {_DISTANCE}, yours are below {_LIMIT}",
    "near_ood": f"hardly like any labelled picture {_DISTANCE}, most of yours are below {_LIMIT}",
    "ruled_out": "a person ruled out every category",
    "retracted": "a person took back what was said of it",
}
"""What follows the guesses, or is all; a category `first` is the first of the guesses again."""
_ALONE: Final = {
    "a person moved it there": "moved_by_person",
    "an undo left it there": "left_by_undo",
    "it could not be moved where it belongs": "not_moved",
    "drawn from the crawl to be labelled: nothing is known of it yet": "drawn",
}
_PATTERNS: Final = {code: re.compile(pattern, re.DOTALL) for code, pattern in _WHY.items()}
_ANNOTATED: Final = {
    "annotated_none": re.compile(rf"a person said it is none of the categories {_SOURCE}"),
    "annotated_wrong": re.compile(rf"a person said it is not (?P<category>.+) {_SOURCE}", re.DOTALL),
    "annotated": re.compile(rf"a person said it is (?P<category>.+) {_SOURCE}", re.DOTALL),
}
_SAID: Final = {"annotated": "right", "annotated_wrong": "wrong", "annotated_none": "none of these"}


def add_reason_functions(connection: sqlite3.Connection) -> None:
    """Add SQL functions of a stored sentence and the decision's category, both cast to BLOB.

    `reason_code` is the code; `reason_said` what was annotated, where and on which day, joined by line ends, NULL
    without an annotation; `reason_params` has the id of that annotation as third argument, NULL if there is none.
    """
    functions: tuple[tuple[str, int, Callable[..., str | None]], ...] = (
        ("reason_code", 2, lambda sentence, category: _read(sentence, category)[0]),
        ("reason_said", 2, lambda sentence, category: _said(*_read(sentence, category))),
        ("reason_params", 3, lambda *of_it: _with_annotation(_read(*of_it[:2])[1], of_it[2])),
    )
    for name, arguments, function in functions:
        connection.create_function(name, arguments, function, deterministic=True)


def _said(code: str, params: _Params) -> str | None:
    return "\n".join((_SAID[code], params["origin"], params["date"])) if code in _SAID else None


def _with_annotation(params: _Params, annotation: int | None) -> str:
    linked = params if annotation is None else params | {"annotation": annotation}
    return to_json(dict(sorted(linked.items())))


@lru_cache(maxsize=8)  # called three times a row
def _read(sentence: bytes, category: bytes | None) -> tuple[str, _Params]:
    return read_sentence(sentence.decode(errors="replace"), (category or b"").decode(errors="replace"))


def read_sentence(sentence: str, category: str) -> tuple[str, _Params]:
    """The code and parameters of a sentence; `category` is that of the decision, where a name could end anywhere."""
    if len(sentence) <= _LONGEST:
        if (alone := _ALONE.get(sentence)) is not None:
            return alone, {}
        if (annotated := _annotated(sentence, category)) is not None:
            return annotated
        for guesses, why in _cuts(sentence):
            for code, pattern in _PATTERNS.items():
                found = pattern.fullmatch(why)
                params = None if found is None else _params(found, guesses, category)
                if params is not None:
                    return code, params
    return "text", {"text": sentence}


def _annotated(sentence: str, category: str) -> tuple[str, _Params] | None:
    """The sentence alone does not show where a category such as "not x" or "x (review of 2026-01-01)" ends."""
    exact = re.compile(rf"a person said it is (?P<category>{re.escape(category)}) {_SOURCE}")
    for code, pattern in (("annotated", exact), *_ANNOTATED.items()):
        if (found := pattern.fullmatch(sentence)) is not None:
            return code, found.groupdict()
    return None


def _cuts(sentence: str) -> Iterator[tuple[str, str]]:
    """Where the guesses may end; the name of a category may hold a colon too."""
    if _GUESS.match(sentence):
        for found in re.finditer(": ", sentence):
            yield sentence[: found.start()], sentence[found.end() :]
    yield "", sentence


def _params(found: re.Match[str], guesses: str, category: str) -> _Params | None:
    """The parameters; None if they would not produce the same sentence."""
    texts = {name: text for name, text in found.groupdict().items() if text is not None}
    first = texts.pop("first", None)
    top, digits = _top(guesses, category if first is None else first)
    if first is not None and [first] != [name for name, _ in top[:1]]:
        return None
    params: _Params = {"top": top} | ({"digits": digits} if digits not in {0, 2} else {})
    for name, text in texts.items():
        match name:
            case "date":
                params[name] = text
            case "max_error":
                params[name] = round(float(text) / 100, 3)
            case "audited":
                params["threshold"] = float(text)
            case _:
                if (number := _number(text)) is None or (name == "threshold" and f"{number:g}" != text):
                    return None
                params[name] = number
    return params


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _top(guesses: str, first: str) -> tuple[list[list[Any]], int]:
    """One or two categories with their probabilities, the one called `first` first where it may be; and the digits."""
    whole = _GUESS.fullmatch(guesses)
    if whole is None:
        return [], 0
    number, digits, rest = whole[1], len(whole[2]), whole[3]
    cuts = [cut for cut in re.finditer(rf", (\d\.\d{{{digits}}}) (?=.)", rest, re.DOTALL) if cut.start()]
    if rest == first or not cuts:
        return [[rest, float(number)]], digits
    cut = next((cut for cut in cuts if rest[: cut.start()] == first), cuts[0])
    return [[rest[: cut.start()], float(number)], [rest[cut.end() :], float(cut[1])]], digits


_FAILURES: Final = {
    "the file is empty": "empty_file",
    "it does not begin like any picture format that is known": "no_known_format",
    "there was not enough memory to decode it": "out_of_memory",
    "there was not enough memory to read the file": "no_memory_to_read",
    "it is no longer there": "gone",
    "it was there when the crawl was scanned": "vanished",
}
_DECIMAL: Final = r"\d[\d.e+-]*"
_FAILURE_PATTERNS: Final = {
    re.compile(pattern, re.DOTALL): code
    for pattern, code in {
        r"(?P<format>[\w. -]+) pictures are not read(?:; (?P<readable>[\w, ]+) are)?": "format_not_read",
        r"(?P<width>\d+) x (?P<height>\d+) is "
        rf"(?P<megapixels>{_DECIMAL}) megapixels; the limit is (?P<limit>{_DECIMAL})": "size_limit",
        rf"the file has (?P<size_bytes>[\d,]+) bytes, more than (?P<limit>{_DECIMAL}) megapixels can take": (
            "length_limit"
        ),
        r"there was not enough memory to decode this (?P<format>\w+) picture": "out_of_memory",
        rf"reading it takes more than (?P<seconds>{_DECIMAL}) seconds": "deadline",
        r"the decoder died \(signal (?P<signal>\d+)\) while reading it": "decoder_died",
        r"the decoder died \(exit code (?P<exit_code>\d+)\) while reading it": "decoder_died",
        r"(?P<format>\w+): the file does not go on as it begins": "broken_off",
        r"(?P<source>[A-Z]+|\w*(?:Error|Exception|Warning)): (?P<words>.*)": "decoder",
    }.items()
}
_INTEGERS: Final = frozenset({"width", "height", "size_bytes", "signal", "exit_code"})
_FLOATS: Final = frozenset({"megapixels", "limit", "seconds"})
_SYSTEM: Final = {os.strerror(number): name for number, name in errno.errorcode.items()}


def add_failure_function(connection: sqlite3.Connection) -> None:
    """Add the SQL function `failure_reason` of a stored sentence, cast to BLOB: code and parameters as JSON."""
    connection.create_function("failure_reason", 1, _as_json, deterministic=True)


def _as_json(sentence: bytes) -> str:
    code, params = read_failure(sentence.decode(errors="replace"))
    return to_json({"code": code} | dict(sorted(params.items())))


def read_failure(sentence: str) -> tuple[str, dict[str, Any]]:
    """The code and parameters of a sentence."""
    if (alone := _FAILURES.get(sentence)) is not None:
        return alone, {}
    if (name := _SYSTEM.get(sentence)) is not None:
        return "system", {"errno": name, "words": sentence}
    for pattern, code in _FAILURE_PATTERNS.items():
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
