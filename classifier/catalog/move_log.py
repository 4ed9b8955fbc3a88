"""The log of moves beside the catalog, `.illsort/moves.jsonl`: one JSON line for each change.

It suffices to undo if the catalog is lost: a change is in it, durably, before the catalog marks it as done. A line may
occur twice after a kill; the last line of an `id` and `run` counts. Each ends with a checksum; lines whose checksum
does not match, and lines that illsort did not write, are skipped.

The checksums find damage, not forgery: whoever can write a library can compute them.
"""

from __future__ import annotations

import json
import os
import re
from base64 import b64decode, b64encode
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from classifier.catalog.filesystem import make_state_folder, state_folder, sync_folder
from classifier.own_files import APPEND, READ, flush_to_disk, open_own
from classifier.records import Method

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from classifier.catalog.moves import MoveRecord

NAME = "moves.jsonl"

_LINE_WITH_CHECKSUM: Final = re.compile(rb'(?P<body>.*), "sum": "(?P<sum>[0-9a-f]{16})"\}\s*', re.DOTALL)

_CHECKSUM: Final = re.compile(rb'"sum": "[0-9a-f]{16}"')

_JOINED: Final = re.compile(rb'(?<=\}).(?=\{"run": )', re.DOTALL)
"""A damaged line break."""

_OPTIONAL: Final[dict[str, Any]] = {
    "inode": 0,
    "device": 0,
    "undoes": None,
    "beside": None,
    "crawl": None,
    "sum": None,
}
"""Defaults for older lines. Without an inode the time is set to differ, so that the content is compared instead."""

_WRITTEN = ("run", "id", "at", "picture", "method", "source", "target", "size_bytes", "mtime_ns", "permissions")

_KEYS: Final = {*_OPTIONAL, *_WRITTEN}


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveLog:
    """The changes by id, with paths as bytes, and the numbers of damaged lines.

    A change whose `sum` is None was written before lines had checksums, and its `crawl` is None.
    """

    changes: dict[int, dict[str, Any]]
    damaged: tuple[int, ...]


def append_move_log(library: Path, entries: Iterable[MoveRecord], *, at: str, crawls: Mapping[int, bytes]) -> None:
    """Add one line for each entry and make them durable; raises OSError.

    `crawls` has the crawl of each run of `entries`.
    """
    path = make_state_folder(library) / NAME
    text = "".join(_with_checksum(_line(entry, at, crawls.get(entry.run))) for entry in entries)
    if not text:
        return
    is_new = not path.exists()
    with open_own(path, APPEND) as file:
        # A kill or a full disk may have left an incomplete line.
        text = text if _ends_a_line(file.fileno()) else "\n" + text
        file.write(text.encode())
        file.flush()
        flush_to_disk(file.fileno())
    if is_new:
        sync_folder(path.parent)


def read_move_log(library: Path) -> MoveLog:
    """The last line of each change; empty without a log. Raises OSError."""
    changes: dict[int, dict[str, Any]] = {}
    damaged: list[int] = []
    for number, change in read_lines(library):
        if change is None:
            damaged.append(number)
        else:
            changes[change["id"]] = change
    return MoveLog(changes=changes, damaged=tuple(damaged))


def read_lines(library: Path) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """The number of each line and its change, None for a damaged one; raises OSError.

    An incomplete line, as a kill leaves it, is skipped: its change was not made.
    """
    path = state_folder(library) / NAME
    if not path.exists():
        return
    with open_own(path, READ) as file:
        for number, line in enumerate(file, start=1):
            found = _parse_joined(line)
            for change in found:
                yield number, change
            if not found and not _is_torn(line):
                yield number, None


def _parse_joined(line: bytes) -> list[dict[str, Any]]:
    """The change of a line, or of each of two whose line break is damaged; none if any of it is damaged."""
    whole = _parse_line(line)
    if whole is not None:
        return [whole]
    return [change for part in _JOINED.split(line) if (change := _parse_line(part)) is not None]


def _parse_line(line: bytes) -> dict[str, Any] | None:
    sealed = _LINE_WITH_CHECKSUM.fullmatch(line)
    if sealed is not None and checksum(sealed["body"] + b"}") != sealed["sum"].decode():
        return None
    try:
        read = json.loads(line)
        older = {} if "inode" in read else {"mtime_ns": -1}
        change = _OPTIONAL | read | older | {end: b64decode(read[end], validate=True) for end in ("source", "target")}
        change["crawl"] = None if change["crawl"] is None else b64decode(change["crawl"], validate=True)
        is_known = change.keys() == _KEYS and (change["sum"] is None) == (sealed is None)
        return change if is_known and wrong_field(change) is None else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _is_torn(line: bytes) -> bool:
    """Whether a line ends before its checksum or closing brace."""
    return not line.strip() or not (_CHECKSUM.search(line) or line.rstrip().endswith(b"}"))


def _ends_a_line(descriptor: int) -> bool:
    end = os.lseek(descriptor, 0, os.SEEK_END)
    if end == 0:
        return True
    os.lseek(descriptor, end - 1, os.SEEK_SET)
    return os.read(descriptor, 1) == b"\n"


def _with_checksum(line: dict[str, Any]) -> str:
    body = json.dumps(line)
    return f'{body[:-1]}, "sum": "{checksum(body.encode())}"}}\n'


def _line(entry: MoveRecord, at: str, crawl: bytes | None) -> dict[str, Any]:
    """The values of a line. Paths are in base64, for they may hold any bytes; those in the library are relative."""
    return {
        "run": entry.run,
        "id": entry.id,
        "at": at,
        "picture": entry.image_id,
        "method": entry.method.value,
        "source": b64encode(entry.source).decode(),
        "target": b64encode(entry.target or b"").decode(),
        "size_bytes": entry.size_bytes,
        "mtime_ns": entry.mtime_ns,
        "permissions": entry.permissions,
        "inode": entry.inode,
        "device": entry.device,
        "undoes": entry.undoes,
        "beside": entry.beside,
        "crawl": None if crawl is None else b64encode(crawl).decode(),
    }


_MOST: Final = 2**62
"""Above every id; SQLite's integers end at 2**63."""

_METHODS: Final = frozenset(method.value for method in Method)

_HASH: Final = re.compile("[0-9a-f]{64}")


def checksum(content: bytes) -> str:
    """BLAKE2b of `content`, 16 hex digits."""
    return blake2b(content, digest_size=8).hexdigest()


def row_checksum(row: tuple[Any, ...]) -> str:
    """The checksum of a row's values, which are numbers, text, bytes and None."""
    return checksum(ascii(row).encode())


def wrong_field(change: Mapping[str, Any]) -> str | None:
    """The first field of a recorded change with a wrong type or an impossible value; None if there is none."""
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
