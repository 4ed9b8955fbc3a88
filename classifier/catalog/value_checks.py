"""Checks of a single value in the catalog, by its column's name or type: what is right in an undamaged row."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from classifier.catalog.library_changes import ChangeKind
from classifier.reasons import ReasonCode
from classifier.records import Action, AnnotationKind, FailureKind, Method, Selection

_MOST: Final = 2**62
"""Above every id; SQLite's integers end at 2**63."""
_ROUNDED: Final = 1e-6
_FLOAT_BYTES: Final = 4
_INODE_DIGITS: Final = 39
_NO_TEXT: Final = re.compile("[\0\ud800-\udfff]")
_HASH: Final = re.compile("[0-9a-f]{64}")


def check_of(table: str, column: str, kind: str) -> Callable[[Any], bool]:
    """The check for values of this column other than NULL; `kind` is its SQL type."""
    return _BY_PLACE.get((table, column), _BY_NAME.get(column, _BY_TYPE[kind]))


def may_be_null(table: str, column: str) -> bool:
    """Whether NULL is valid in a column in which the schema allows it."""
    return column not in _NEVER_NULL.get(table, frozenset())


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and _NO_TEXT.search(value) is None


def _is_name(value: Any) -> bool:
    return _is_text(value) and value != ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and abs(value) < _MOST


def _is_time(value: Any) -> bool:
    return isinstance(value, int)


def _is_real(value: Any) -> bool:
    return isinstance(value, float) and math.isfinite(value)


def _is_share(value: Any) -> bool:
    return isinstance(value, float) and -_ROUNDED <= value <= 1 + _ROUNDED


def _is_path(value: Any) -> bool:
    return isinstance(value, bytes) and b"\0" not in value


def _are_logits(value: Any) -> bool:
    return isinstance(value, bytes) and len(value) > 0 and len(value) % _FLOAT_BYTES == 0


def _is_hash(value: Any) -> bool:
    return isinstance(value, str) and _HASH.fullmatch(value) is not None


def _is_hash_or_empty(value: Any) -> bool:
    """Empty for a temporary file, which is recorded before it is made."""
    return value == "" or _is_hash(value)


def _is_inode(value: Any) -> bool:
    return isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= _INODE_DIGITS


def _is_date(value: Any) -> bool:
    with suppress(TypeError, ValueError):
        return datetime.fromisoformat(value) is not None
    return False


def _one_of(words: type[StrEnum]) -> Callable[[Any], bool]:
    return frozenset(word.value for word in words).__contains__


def _json(is_right: Callable[[Any], bool]) -> Callable[[Any], bool]:
    def check(value: Any) -> bool:
        with suppress(TypeError, ValueError, RecursionError):
            return is_right(json.loads(value))
        return False

    return check


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _are_settings(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(value.get(section, {}), dict) for section in ("sort", "images", "given")
    )


def _is_summary(value: Any) -> bool:
    counts = ("pictures", "videos", "ugoira", "archives")
    return isinstance(value, dict) and all(_is_number(value.get(key, 0)) for key in counts)


def _is_reason(value: Any) -> bool:
    return isinstance(value, dict) and value.get("code") in _CODES


def _are_counts(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_is_number, value.values()))


def _are_steps(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(one, list) and len(one) == 2 and isinstance(one[0], (int, float)) and _is_number(one[1])  # noqa: PLR2004 - a pair
        for one in value
    )


_CODES: Final = frozenset(code.value for code in ReasonCode)
_FILE: Final = frozenset({"method", "source", "size_bytes", "mtime_ns", "inode", "device"})
_DECISION: Final = frozenset({"run", "action", "category", "confidence", "reason_code", "reason_params"})
_NEVER_NULL: Final = {
    "places": _FILE,
    "sidecars": _FILE,
    "missing": _FILE,
    "restored": _FILE,
    "decisions": _DECISION,
    "drawn": frozenset({"reason_code"}),
    "runs": frozenset({"crawl", "mode", "model", "bundle", "settings", "started", "state"}),
}
"""Columns that are never NULL, though the schema allows it."""
_BY_TYPE: Final[Mapping[str, Callable[[Any], bool]]] = {
    "TEXT": _is_text,
    "INTEGER": _is_number,
    "REAL": _is_real,
    "BLOB": _is_path,
}
_BY_PLACE: Final[Mapping[tuple[str, str], Callable[[Any], bool]]] = {
    ("runs", "settings"): _json(_are_settings),
    ("runs", "summary"): _json(_is_summary),
    ("audits", "threshold"): _is_real,
    **dict.fromkeys((("categories", "name"), ("categories", "became")), _is_name),
    ("audits", "until"): _is_share,
    **dict.fromkeys((("listings", "sha256"), ("tag_files", "sha256")), _is_hash_or_empty),
}
_BY_NAME: Final[Mapping[str, Callable[[Any], bool]]] = {
    **dict.fromkeys(("picture", "beside", "first"), _is_hash),
    **dict.fromkeys(("inode", "device"), _is_inode),
    **dict.fromkeys(("at", "started", "finished"), _is_date),
    "reason_params": _json(_is_object),
    "action": _one_of(Action),
    "confidence": _is_share,
    "failure_detail": _json(_is_reason),
    "failure_kind": _one_of(FailureKind),
    "filed": _json(_are_counts),
    "logits": _are_logits,
    "method": _one_of(Method),
    "mtime_ns": _is_time,
    "reason_code": _one_of(ReasonCode),
    "said": _one_of(AnnotationKind),
    "selection": _one_of(Selection),
    "steps": _json(_are_steps),
    "what": _one_of(ChangeKind),
}
