"""The journal of changes and the places that pictures have; must not know how a file is moved.

A change is committed as INTENT before the disk is touched, and becomes DONE after the disk has it durably. What a kill
leaves open is settled from what the disk shows.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifier.catalogue.trail import append_trail
from classifier.records import Method, PictureId

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from classifier.catalogue.store import Catalogue


class State(StrEnum):
    """How far one change has come; only INTENT and CLAIMED are open."""

    INTENT = "intent"
    CLAIMED = "claimed"  # an empty file of ours may stand at the target: the disk knows no better way
    DONE = "done"
    ADOPTED = "adopted"  # the picture lay there already; nothing was changed
    CANCELLED = "cancelled"  # nothing was changed; a later run plans it again
    CHANGED = "changed"
    GONE = "gone"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One row of the journal.

    `source` is absolute, or within the library for RENAME; `target` and `temporary` are within the library, with "/".
    A MOVE or RENAME goes by copy when it has a `temporary`. Size, time, inode and device are the source's as planned.
    """

    id: int
    run: int
    picture: PictureId
    method: Method
    source: bytes
    target: bytes | None
    temporary: bytes | None
    state: State
    size_bytes: int
    mtime_ns: int
    inode: int
    device: int
    permissions: int | None
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a picture is now: `path` within the library, with "/"; the rest as the file system shows that file.

    `source` is where the picture came from, and `method` how it got into the library.
    """

    picture: PictureId
    path: bytes
    method: Method
    source: bytes
    size_bytes: int
    mtime_ns: int
    inode: int
    device: int


def to_bytes(path: Path) -> bytes:
    """A path as the catalogue keeps it."""
    return os.fsencode(path.as_posix())


def to_path(kept: bytes) -> Path:
    """The path that the catalogue keeps as `kept`."""
    return Path(os.fsdecode(kept))


def next_id(catalogue: Catalogue) -> int:
    """The id that the next entry is to have; ids only grow."""
    (last,) = catalogue.connection.execute("SELECT COALESCE(MAX(id), 0) FROM moves").fetchone()
    return int(last) + 1


def begin(catalogue: Catalogue, entries: Sequence[Entry], *, run: int, folders: Iterable[Path]) -> None:
    """Commit what is about to be done, with the `folders` within the library that will be made for it."""
    marks = ", ".join("?" for _ in fields(Entry))
    names = ", ".join(field.name for field in fields(Entry))
    with catalogue.transaction() as connection:
        connection.executemany(
            f"INSERT INTO moves ({names}, at) VALUES ({marks}, ?)",  # noqa: S608 - our own field names
            [(*_row(entry), _now()) for entry in entries],
        )
        connection.executemany(
            "INSERT OR IGNORE INTO folders (path, run) VALUES (?, ?)", [(to_bytes(folder), run) for folder in folders]
        )


def update(catalogue: Catalogue, entry: Entry) -> None:
    """Commit another target, temporary or state of an entry, before the disk is touched for it."""
    with catalogue.transaction():
        _write_state(catalogue, [entry])


def finish(catalogue: Catalogue, entries: Sequence[Entry], *, library: Path, places: Sequence[Place]) -> None:
    """Commit how entries ended and where pictures are now, all or nothing; the trail first.

    Raises OSError when the trail cannot be written.
    """
    append_trail(library, [entry for entry in entries if entry.state is State.DONE], at=_now())
    moved = {entry.picture for entry in entries if entry.method is Method.RENAME}
    with catalogue.transaction():
        _write_state(catalogue, entries)
        for place in places:
            _write_place(catalogue, place, renamed=place.picture in moved)


def add_places(catalogue: Catalogue, places: Sequence[Place], *, renamed: bool) -> None:
    """Record where pictures would be: what a dry run tells its copy of the catalogue instead of making a change."""
    with catalogue.transaction():
        for place in places:
            _write_place(catalogue, place, renamed=renamed)


def open_entries(catalogue: Catalogue) -> list[Entry]:
    """The entries that were begun and never finished, oldest first."""
    names = ", ".join(field.name for field in fields(Entry))
    rows = catalogue.connection.execute(
        f"SELECT {names} FROM moves WHERE state IN ('intent', 'claimed') ORDER BY id"  # noqa: S608 - our own field names
    )
    return [_entry(row) for row in rows]


def place_of(catalogue: Catalogue, picture: PictureId) -> Place | None:
    """Where a picture is in the library, as last recorded."""
    names = ", ".join(field.name for field in fields(Place))
    row = catalogue.connection.execute(
        f"SELECT {names} FROM places WHERE picture = ?",  # noqa: S608 - our own field names
        (picture,),
    ).fetchone()
    if row is None:
        return None
    kept = dict(zip([field.name for field in fields(Place)], row, strict=True))
    return Place(**kept | {"method": Method(kept["method"]), **_identity(kept)})


def _write_state(catalogue: Catalogue, entries: Iterable[Entry]) -> None:
    catalogue.connection.executemany(
        "UPDATE moves SET method = ?, target = ?, temporary = ?, state = ?, note = ?, at = ? WHERE id = ?",
        [(e.method.value, e.target, e.temporary, e.state.value, e.note, _now(), e.id) for e in entries],
    )


def _write_place(catalogue: Catalogue, place: Place, *, renamed: bool) -> None:
    known = place_of(catalogue, place.picture) if renamed else None
    if known is not None:
        place = replace(place, method=known.method, source=known.source)
    names = [field.name for field in fields(Place)]
    # REPLACE also drops the row of a picture that was once at this path and is there no longer.
    catalogue.connection.execute(
        f"INSERT OR REPLACE INTO places ({', '.join(names)}) VALUES ({', '.join('?' for _ in names)})",  # noqa: S608
        _row(place),
    )


def _row(record: Entry | Place) -> tuple[Any, ...]:
    values = {field.name: getattr(record, field.name) for field in fields(record)}
    return tuple({**values, "inode": str(record.inode), "device": str(record.device)}.values())


def _entry(row: tuple[Any, ...]) -> Entry:
    kept = dict(zip([field.name for field in fields(Entry)], row, strict=True))
    return Entry(**kept | {"method": Method(kept["method"]), "state": State(kept["state"]), **_identity(kept)})


def _identity(kept: dict[str, Any]) -> dict[str, int]:
    return {"inode": int(kept["inode"]), "device": int(kept["device"])}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
