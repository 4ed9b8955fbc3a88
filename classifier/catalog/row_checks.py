"""Checks on what the journal and the trail hold: a checksum for what was written, types and ranges for what was not.

The checksum finds damage, not intent: whoever writes a library can compute it. Whether a path may be used is decided
in filing/bounds.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from classifier.records import Method

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_MOST: Final = 2**62
"""Above every id and run; SQLite's integers end at 2**63."""
_METHODS: Final = frozenset(method.value for method in Method)
_HASH: Final = re.compile("[0-9a-f]{64}")


def checksum(content: bytes) -> str:
    """16 hex digits that differ when any bit of `content` does."""
    return blake2b(content, digest_size=8).hexdigest()


def row_checksum(row: tuple[Any, ...]) -> str:
    """The checksum of a row's values, which are numbers, text, bytes and None."""
    return checksum(ascii(row).encode())


def wrong_field(change: Mapping[str, Any]) -> str | None:
    """The first field of a recorded change that has a wrong type or a value that it cannot have; None: all are fine."""
    for name, is_right in _FIELDS.items():
        if not is_right(change[name]):
            return name
    undone = change["undoes"]
    return "undoes" if undone is not None and undone >= change["id"] else None


def _is_number(least: int, most: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and least <= value < most


def _or_none(is_right: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or is_right(value)


def _is_hash(value: Any) -> bool:
    return isinstance(value, str) and _HASH.fullmatch(value) is not None


def _is_path(value: Any) -> bool:
    return isinstance(value, bytes) and bool(value) and b"\0" not in value


def _is_method(value: Any) -> bool:
    return isinstance(value, str) and value in _METHODS


_FIELDS: Final[Mapping[str, Callable[[Any], bool]]] = {
    "id": _is_number(1, _MOST),
    "run": _is_number(1, _MOST),
    "picture": _is_hash,
    "method": _is_method,
    "source": _is_path,
    "target": _or_none(_is_path),
    "size_bytes": _is_number(0, 2**63),
    "mtime_ns": _is_number(-(2**63), 2**63),
    "inode": _is_number(0, 2**128),
    "device": _is_number(0, 2**128),
    "permissions": _or_none(_is_number(0, 0o10000)),
    "undoes": _or_none(_is_number(1, _MOST)),
    "beside": _or_none(_is_hash),
}
