"""The journal of changes and the places that pictures have; must not know how a file is moved.

A change is committed as INTENT before the disk is touched, and becomes DONE after the disk has it durably. What a kill
leaves open is settled from what the disk shows.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifier.catalog.clock import now
from classifier.catalog.move_log import append_move_log
from classifier.catalog.row_checks import row_checksum
from classifier.paths import displayable
from classifier.records import Method, PictureId, time_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from classifier.catalog.connection import Catalog


class MoveState(StrEnum):
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
class MoveRecord:
    """One row of the journal.

    Paths are within the library, with "/", or absolute when they lie outside of it. A MOVE, RENAME or RESTORE goes by
    copy when it has a `temporary`. Size, time, inode and device are the source's as planned. `undoes` and `beside` as
    in a Move.
    """

    id: int
    run: int
    picture: PictureId
    method: Method
    source: bytes
    target: bytes | None
    temporary: bytes | None
    state: MoveState
    size_bytes: int
    mtime_ns: int
    inode: int
    device: int
    permissions: int | None
    note: str
    undoes: int | None = None
    beside: PictureId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryFile:
    """Where a picture is now: `path` within the library, with "/"; the rest as the file system shows that file.

    `source` is where the picture came from, and `method` how it got into the library. `beside` is given for a sidecar
    only: the picture that it belongs to.
    """

    picture: PictureId
    path: bytes
    method: Method
    source: bytes
    size_bytes: int
    mtime_ns: int
    inode: int
    device: int
    beside: PictureId | None = None


def placed(entry: MoveRecord, found: os.stat_result | None) -> LibraryFile:
    """Where a change that is done has brought its picture, with what the file system shows there (None: as planned)."""
    size, mtime, inode, device = (
        (entry.size_bytes, entry.mtime_ns, entry.inode, entry.device)
        if found is None
        else (found.st_size, time_of(found), found.st_ino, found.st_dev)
    )
    return LibraryFile(
        picture=entry.picture,
        path=entry.target or b"",
        method=entry.method,
        source=entry.source,
        size_bytes=size,
        mtime_ns=mtime,
        inode=inode,
        device=device,
        beside=entry.beside,
    )


ENTRY = tuple(field.name for field in fields(MoveRecord))
_PLACE = tuple(field.name for field in fields(LibraryFile) if field.name != "beside")
PLACE_COLUMNS = (*_PLACE, "beside")
_CHANGING = {name: ENTRY.index(name) for name in ("method", "target", "temporary", "state", "note")}
_LAST_ID = 2**61
_LEAVES_LIBRARY = frozenset({Method.REMOVE, Method.RESTORE})


def to_bytes(path: Path) -> bytes:
    """A path as the catalog keeps it."""
    return os.fsencode(path.as_posix())


def to_path(kept: bytes) -> Path:
    """The path that the catalog keeps as `kept`."""
    return Path(os.fsdecode(kept))


def next_id(catalog: Catalog) -> int:
    """The id that the next entry is to have; ids only grow."""
    # An id beyond is damage, and none could follow the last that there can be.
    query = "SELECT COALESCE(MAX(id), 0) FROM moves WHERE id BETWEEN 0 AND ?"
    (last,) = catalog.connection.execute(query, (_LAST_ID,)).fetchone()
    return int(last) + 1


def begin(catalog: Catalog, entries: Sequence[MoveRecord], *, run: int, folders: Iterable[Path]) -> None:
    """Commit what is about to be done, with the `folders` that will be made for it, paths as in an entry."""
    marks = ", ".join("?" for _ in ENTRY)
    rows = [as_row(entry) for entry in entries]
    with catalog.transaction() as connection:
        connection.executemany(
            f"INSERT INTO moves ({', '.join(ENTRY)}, at, checksum) VALUES ({marks}, ?, ?)",  # noqa: S608
            [(*row, now("milliseconds"), row_checksum(row)) for row in rows],
        )
        connection.executemany(
            "INSERT OR IGNORE INTO folders (path, run) VALUES (?, ?)", [(to_bytes(folder), run) for folder in folders]
        )


def update(catalog: Catalog, entry: MoveRecord) -> None:
    """Commit another target, temporary or state of an entry, before the disk is touched for it."""
    with catalog.transaction():
        _write_state(catalog, [entry])


def finish(catalog: Catalog, entries: Sequence[MoveRecord], *, library: Path, places: Sequence[LibraryFile]) -> None:
    """Commit how entries ended and where pictures are now, all or nothing; the trail first.

    Raises OSError when the trail cannot be written.
    """
    done = [entry for entry in entries if entry.state is MoveState.DONE]
    append_move_log(library, done, at=now("milliseconds"), crawls=_crawls(catalog, {entry.run for entry in done}))
    moved = {entry.picture for entry in entries if entry.method is Method.RENAME}
    with catalog.transaction():
        _write_state(catalog, entries)
        for entry in done:
            if entry.method in _LEAVES_LIBRARY:
                _forget_place(catalog, entry)
        for place in places:
            _write_place(catalog, place, renamed=place.picture in moved)


def add_places(catalog: Catalog, places: Sequence[LibraryFile], *, renamed: bool) -> None:
    """Record where pictures would be: what a dry run tells its copy of the catalog instead of making a change."""
    with catalog.transaction():
        for place in places:
            _write_place(catalog, place, renamed=renamed)


def place_of(catalog: Catalog, picture: PictureId) -> LibraryFile | None:
    """Where a picture is in the library, as last recorded."""
    row = catalog.connection.execute(
        f"SELECT {', '.join(_PLACE)} FROM places WHERE picture = ?",  # noqa: S608 - our own field names
        (picture,),
    ).fetchone()
    return None if row is None else as_place(_PLACE, row)


def places(catalog: Catalog) -> Iterator[LibraryFile]:
    """Every place of a picture, then of a sidecar, by path."""
    for names, table in ((_PLACE, "places"), (PLACE_COLUMNS, "sidecars")):
        rows = catalog.connection.execute(f"SELECT {', '.join(names)} FROM {table} ORDER BY path")  # noqa: S608
        for row in rows:
            yield as_place(names, row)


def sidecars_of(catalog: Catalog, picture: PictureId) -> list[LibraryFile]:
    """Where the sidecars of a picture are in the library, by path."""
    rows = catalog.connection.execute(
        f"SELECT {', '.join(PLACE_COLUMNS)} FROM sidecars WHERE beside = ? ORDER BY path",  # noqa: S608
        (picture,),
    )
    return [as_place(PLACE_COLUMNS, row) for row in rows]


def sidecar_from(catalog: Catalog, source: Path) -> LibraryFile | None:
    """The sidecar in the library that came from this file of the crawl."""
    return _one_sidecar(catalog, "source", to_bytes(source))


def _write_state(catalog: Catalog, entries: Iterable[MoveRecord]) -> None:
    columns = ", ".join(f"{name} = ?" for name in _CHANGING)
    rows = [as_row(entry) for entry in entries]
    catalog.connection.executemany(
        f"UPDATE moves SET {columns}, at = ?, checksum = ? WHERE id = ?",  # noqa: S608 - our own names
        [(*(row[at] for at in _CHANGING.values()), now("milliseconds"), row_checksum(row), row[0]) for row in rows],
    )


def _crawls(catalog: Catalog, runs: Iterable[int]) -> dict[int, bytes]:
    found = (catalog.connection.execute("SELECT id, crawl FROM runs WHERE id = ?", (run,)).fetchone() for run in runs)
    return {row[0]: row[1] for row in found if row is not None}


def _write_place(catalog: Catalog, place: LibraryFile, *, renamed: bool) -> None:
    if place.beside is not None:
        return _write_sidecar(catalog, place, renamed=renamed)
    known = place_of(catalog, place.picture) if renamed else None
    if known is not None:
        place = replace(place, method=known.method, source=known.source)
    return _insert(catalog, "places", _PLACE, place)


def _write_sidecar(catalog: Catalog, place: LibraryFile, *, renamed: bool) -> None:
    known = _one_sidecar(catalog, "path", place.source) if renamed else None
    if known is not None:
        catalog.connection.execute("DELETE FROM sidecars WHERE path = ?", (known.path,))
        place = replace(place, method=known.method, source=known.source)
    _insert(catalog, "sidecars", PLACE_COLUMNS, place)


def _insert(catalog: Catalog, table: str, names: Sequence[str], place: LibraryFile) -> None:
    # REPLACE also drops the row of a picture that was once at this path and is there no longer.
    catalog.connection.execute(
        f"INSERT OR REPLACE INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' for _ in names)})",  # noqa: S608
        as_row(place)[: len(names)],
    )


def _forget_place(catalog: Catalog, entry: MoveRecord) -> None:
    if entry.beside is None:
        values = (entry.picture, entry.source)
        catalog.connection.execute("DELETE FROM places WHERE picture = ? AND path = ?", values)
    else:
        catalog.connection.execute("DELETE FROM sidecars WHERE path = ?", (entry.source,))


def _one_sidecar(catalog: Catalog, column: str, value: bytes) -> LibraryFile | None:
    row = catalog.connection.execute(
        f"SELECT {', '.join(PLACE_COLUMNS)} FROM sidecars WHERE {column} = ?",  # noqa: S608 - our own names
        (value,),
    ).fetchone()
    return None if row is None else as_place(PLACE_COLUMNS, row)


def as_place(names: Sequence[str], row: Sequence[Any]) -> LibraryFile:
    """The place that a row with these columns tells of."""
    kept = dict(zip(names, row, strict=True))
    known = {"method": Method(kept["method"]), "inode": int(kept["inode"]), "device": int(kept["device"])}
    return LibraryFile(**kept | known)


def as_row(record: MoveRecord | LibraryFile) -> tuple[Any, ...]:
    """The values of a record in the order of its columns: `ENTRY` or `PLACE_COLUMNS`."""
    values = {field.name: getattr(record, field.name) for field in fields(record)}
    values |= {"method": record.method.value, "inode": str(record.inode), "device": str(record.device)}
    if isinstance(record, MoveRecord):
        values |= {"state": record.state.value, "note": displayable(record.note)}
    return tuple(values.values())
