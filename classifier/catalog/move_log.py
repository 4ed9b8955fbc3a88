"""The plain trail beside the catalog: `.illsort/moves.jsonl`, one line a change; must not know SQL or move files.

It alone suffices to undo, should the catalog be lost: so a change is in it, durably, before the catalog calls it
done. A line may come twice after a kill; the last line of an `id` and `run` holds. Each ends with a checksum of what
stands before it; one that does not hold is passed over, and so is one that was never written by illsort.
"""

from __future__ import annotations

import json
import os
import re
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from classifier.catalog.filesystem import make_state_folder, state_folder, sync_folder
from classifier.catalog.row_checks import checksum, wrong_field
from classifier.own_files import APPEND, READ, open_own

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from classifier.catalog.moves import MoveRecord

NAME = "moves.jsonl"
_SEALED: Final = re.compile(rb'(?P<body>.*), "sum": "(?P<sum>[0-9a-f]{16})"\}\s*', re.DOTALL)
_ENDED: Final = re.compile(rb'"sum": "[0-9a-f]{16}"')
_JOINED: Final = re.compile(rb'(?<=\}).(?=\{"run": )', re.DOTALL)
"""Where a damaged line break stands."""
_OPTIONAL: Final[dict[str, Any]] = {
    "inode": 0,
    "device": 0,
    "undoes": None,
    "beside": None,
    "crawl": None,
    "sum": None,
}
"""What older lines lack. Without an inode the time is made to differ, so that the content must prove the file."""
_WRITTEN = ("run", "id", "at", "picture", "method", "source", "target", "size_bytes", "mtime_ns", "permissions")
_KEYS: Final = {*_OPTIONAL, *_WRITTEN}


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveLog:
    """The changes by id, with paths as bytes; the numbers of the lines that were written, but are no longer whole.

    A change whose `sum` is None was written before lines had checksums, and its `crawl` is None.
    """

    changes: dict[int, dict[str, Any]]
    damaged: tuple[int, ...]


def append_move_log(library: Path, entries: Iterable[MoveRecord], *, at: str, crawls: Mapping[int, bytes]) -> None:
    """Add one line an entry and make them durable; raises OSError when the disk refuses.

    `crawls` has the crawl of each run of `entries`.
    """
    path = make_state_folder(library) / NAME
    text = "".join(_sealed(_line(entry, at, crawls.get(entry.run))) for entry in entries)
    if not text:
        return
    is_new = not path.exists()
    with open_own(path, APPEND) as file:
        # A kill or a full disk may have left half a line.
        text = text if _ends_a_line(file.fileno()) else "\n" + text
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())
    if is_new:
        sync_folder(path.parent)


def read_move_log(library: Path) -> MoveLog:
    """The last line of each change; empty when there is no trail. Raises OSError when it cannot be read."""
    changes: dict[int, dict[str, Any]] = {}
    damaged: list[int] = []
    for number, change in read_lines(library):
        if change is None:
            damaged.append(number)
        else:
            changes[change["id"]] = change
    return MoveLog(changes=changes, damaged=tuple(damaged))


def read_lines(library: Path) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """The number of each line and its change, None for a damaged one; raises OSError when the trail cannot be read.

    Half a line, as a kill leaves it, is passed over: what it was for was not done.
    """
    path = state_folder(library) / NAME
    if not path.exists():
        return
    with open_own(path, READ) as file:
        for number, line in enumerate(file, start=1):
            found = _read_line(line)
            for change in found:
                yield number, change
            if not found and not _is_torn(line):
                yield number, None


def _read_line(line: bytes) -> list[dict[str, Any]]:
    """The change of a line, or of each of two whose line break is damaged; none when any of it is."""
    whole = _change(line)
    if whole is not None:
        return [whole]
    return [change for part in _JOINED.split(line) if (change := _change(part)) is not None]


def _change(line: bytes) -> dict[str, Any] | None:
    sealed = _SEALED.fullmatch(line)
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
    """Whether a line ends before its checksum does, or before it was closed."""
    return not line.strip() or not (_ENDED.search(line) or line.rstrip().endswith(b"}"))


def _ends_a_line(descriptor: int) -> bool:
    end = os.lseek(descriptor, 0, os.SEEK_END)
    if end == 0:
        return True
    os.lseek(descriptor, end - 1, os.SEEK_SET)
    return os.read(descriptor, 1) == b"\n"


def _sealed(line: dict[str, Any]) -> str:
    body = json.dumps(line)
    return f'{body[:-1]}, "sum": "{checksum(body.encode())}"}}\n'


def _line(entry: MoveRecord, at: str, crawl: bytes | None) -> dict[str, Any]:
    """Paths in base64, for they may hold any bytes; those in the library begin there, with "/"."""
    return {
        "run": entry.run,
        "id": entry.id,
        "at": at,
        "picture": entry.picture,
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
