"""The plain trail beside the catalogue: `.illsort/moves.jsonl`, one line a change; must not know SQL or move files.

It alone suffices to undo, should the catalogue be lost: so a change is in it, durably, before the catalogue calls it
done. A line may come twice after a kill; the last line of an `id` and `run` holds.
"""

from __future__ import annotations

import json
import os
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any

from classifier.catalogue.disk import make_state_folder, state_folder, sync_folder
from classifier.own_files import APPEND, READ, open_own

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from classifier.catalogue.journal import Entry

NAME = "moves.jsonl"


def append_trail(library: Path, entries: Iterable[Entry], *, at: str) -> None:
    """Add one line an entry and make them durable; raises OSError when the disk refuses."""
    path = make_state_folder(library) / NAME
    text = "".join(json.dumps(_line(entry, at)) + "\n" for entry in entries)
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


def read_trail(library: Path) -> dict[int, dict[str, Any]]:
    """The changes by id, the last line of each, with paths as bytes; torn lines, which a kill leaves, are passed over.

    Empty when there is no trail; raises OSError when it cannot be read.
    """
    return {line["id"]: line for line in _read_lines(library)}


def ids_in_trail(library: Path) -> set[int]:
    """The ids of the changes that the trail holds; raises OSError when it cannot be read."""
    return {line["id"] for line in _read_lines(library)}


def _read_lines(library: Path) -> Iterator[dict[str, Any]]:
    path = state_folder(library) / NAME
    if not path.exists():
        return
    with open_own(path, READ) as file:
        yield from filter(None, map(_read_line, file))


def _read_line(line: bytes) -> dict[str, Any] | None:
    try:
        read = json.loads(line)
        return {**read, "source": b64decode(read["source"]), "target": b64decode(read["target"]), "id": int(read["id"])}
    except (ValueError, KeyError, TypeError):
        return None


def _ends_a_line(descriptor: int) -> bool:
    end = os.lseek(descriptor, 0, os.SEEK_END)
    if end == 0:
        return True
    os.lseek(descriptor, end - 1, os.SEEK_SET)
    return os.read(descriptor, 1) == b"\n"


def _line(entry: Entry, at: str) -> dict[str, Any]:
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
    }
