"""The journal of moves: the table `moves`.

A change is committed as INTENT before the disk is touched, and becomes DONE after it is durable there. What a kill
leaves open is settled from the state of the disk.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from classifier.catalog.move_log import append_move_log, row_checksum, wrong_field
from classifier.catalog.places import LibraryFile, remove_place, write_place
from classifier.catalog.values import column_of, field_of, to_bytes, to_note, utc_now
from classifier.records import ImageId, Method, time_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from classifier.catalog.connection import Catalog


class MoveState(StrEnum):
    """The state of one change; only INTENT and CLAIMED are open."""

    INTENT = "intent"
    CLAIMED = "claimed"  # an empty file of ours may be at the target: the disk has no atomic rename without replacing
    DONE = "done"
    ADOPTED = "adopted"  # the image was there already; nothing was changed
    CANCELLED = "cancelled"  # nothing was changed; a later run plans it again
    CHANGED = "changed"
    GONE = "gone"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveRecord:
    """One row of the journal.

    Paths are relative to the library, with "/", or absolute when outside. A MOVE, RENAME or RESTORE with a `temporary`
    is made by copying. Size, time, inode and device are those of the source when planned. `note` is why it failed, or a
    remark; `values.to_message` converts a stored one. `undoes` and `beside` as in a Move.
    """

    id: int
    run: int
    image_id: ImageId
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
    beside: ImageId | None = None


def library_file_of(entry: MoveRecord, found: os.stat_result | None) -> LibraryFile:
    """The file that a finished change produced, with what the file system reports (None: as planned)."""
    size, mtime, inode, device = (
        (entry.size_bytes, entry.mtime_ns, entry.inode, entry.device)
        if found is None
        else (found.st_size, time_of(found), found.st_ino, found.st_dev)
    )
    return LibraryFile(
        image_id=entry.image_id,
        path=entry.target or b"",
        method=entry.method,
        source=entry.source,
        size_bytes=size,
        mtime_ns=mtime,
        inode=inode,
        device=device,
        beside=entry.beside,
    )


MOVE_COLUMNS = tuple(column_of(field.name) for field in fields(MoveRecord))

_CHANGING = {name: MOVE_COLUMNS.index(name) for name in ("method", "target", "temporary", "state", "note")}

_LAST_ID = 2**61

_LEAVES_LIBRARY = frozenset({Method.REMOVE, Method.RESTORE})


def next_id(catalog: Catalog) -> int:
    """The id for the next entry; ids only grow."""
    # A greater id is damage, and no id could follow the greatest integer.
    query = "SELECT COALESCE(MAX(id), 0) FROM moves WHERE id BETWEEN 0 AND ?"
    (last,) = catalog.connection.execute(query, (_LAST_ID,)).fetchone()
    return int(last) + 1


def begin(catalog: Catalog, entries: Sequence[MoveRecord], *, run: int, folders: Iterable[Path]) -> None:
    """Commit what is about to be done, with the `folders` that will be created for it."""
    marks = ", ".join("?" for _ in MOVE_COLUMNS)
    rows = [_as_row(entry) for entry in entries]
    with catalog.transaction() as connection:
        connection.executemany(
            f"INSERT INTO moves ({', '.join(MOVE_COLUMNS)}, at, checksum) VALUES ({marks}, ?, ?)",  # noqa: S608
            [(*row, utc_now("milliseconds"), row_checksum(row)) for row in rows],
        )
        connection.executemany(
            "INSERT OR IGNORE INTO folders (path, run) VALUES (?, ?)", [(to_bytes(folder), run) for folder in folders]
        )


def update(catalog: Catalog, entry: MoveRecord) -> None:
    """Commit a new target, temporary or state of an entry, before the disk is touched for it."""
    with catalog.transaction():
        _write_state(catalog, [entry])


def finish(catalog: Catalog, entries: Sequence[MoveRecord], *, library: Path, places: Sequence[LibraryFile]) -> None:
    """Write finished entries to the log of moves, then commit their states and the new places, all or nothing.

    Raises OSError when the log cannot be written.
    """
    done = [entry for entry in entries if entry.state is MoveState.DONE]
    append_move_log(library, done, at=utc_now("milliseconds"), crawls=_crawls(catalog, {entry.run for entry in done}))
    moved = {entry.image_id for entry in entries if entry.method is Method.RENAME}
    with catalog.transaction():
        _write_state(catalog, entries)
        for entry in done:
            if entry.method in _LEAVES_LIBRARY:
                remove_place(catalog, entry.image_id, entry.source, is_sidecar=entry.beside is not None)
        for place in places:
            write_place(catalog, place, renamed=place.image_id in moved)


def _write_state(catalog: Catalog, entries: Iterable[MoveRecord]) -> None:
    columns = ", ".join(f"{name} = ?" for name in _CHANGING)
    rows = [_as_row(entry) for entry in entries]
    catalog.connection.executemany(
        f"UPDATE moves SET {columns}, at = ?, checksum = ? WHERE id = ?",  # noqa: S608 - our own names
        [(*(row[at] for at in _CHANGING.values()), utc_now("milliseconds"), row_checksum(row), row[0]) for row in rows],
    )


def _crawls(catalog: Catalog, runs: Iterable[int]) -> dict[int, bytes]:
    found = (catalog.connection.execute("SELECT id, crawl FROM runs WHERE id = ?", (run,)).fetchone() for run in runs)
    return {row[0]: row[1] for row in found if row is not None}


_STATES: Final = frozenset(state.value for state in MoveState)

_PAGE: Final = 10_000

_DIGITS: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class DamagedRow:
    """A damaged row of the journal: its id, and the field that shows it."""

    id: int
    field: str


def open_entries(catalog: Catalog) -> list[MoveRecord]:
    """The entries that were begun and never finished, oldest first."""
    return select(catalog, "state IN ('intent', 'claimed') ORDER BY id")


def has_open_entries(catalog: Catalog) -> bool:
    """Whether there are any, damaged ones too."""
    query = "SELECT 1 FROM moves WHERE state IN ('intent', 'claimed') LIMIT 1"
    return catalog.connection.execute(query).fetchone() is not None


def last_placed(catalog: Catalog, crawl: Path, *, limit: int) -> list[ImageId]:
    """The last `limit` images that sorts of `crawl` moved, oldest first."""
    records = select(
        catalog,
        "state = 'done' AND beside IS NULL AND run IN (SELECT id FROM runs WHERE kind = 'sort' AND crawl = ?) "
        "ORDER BY id DESC LIMIT ?",
        (to_bytes(crawl), limit),
    )
    return [record.image_id for record in reversed(records)]


def done_ids(catalog: Catalog) -> Iterator[int]:
    """The ids of all changes that were made, in no order."""
    return (number for (number,) in catalog.connection.execute("SELECT id FROM moves WHERE state = 'done'"))


def close_damaged(catalog: Catalog) -> list[DamagedRow]:
    """Mark open entries that are damaged as failed, for nobody can finish them; returns them."""
    found = [one for one in select_all(catalog, "state IN ('intent', 'claimed')") if isinstance(one, DamagedRow)]
    if found:
        with catalog.transaction() as connection:
            connection.executemany(
                "UPDATE moves SET state = ? WHERE id = ?", [(MoveState.FAILED, one.id) for one in found]
            )
    return found


def select(catalog: Catalog, condition: str, values: Sequence[Any] = ()) -> list[MoveRecord]:
    """The entries that meet an SQL `condition` of the program's own; damaged ones are skipped."""
    return [one for one in select_all(catalog, condition, values) if isinstance(one, MoveRecord)]


def select_all(catalog: Catalog, condition: str, values: Sequence[Any] = ()) -> list[MoveRecord | DamagedRow]:
    """The same, with damaged ones."""
    connection = catalog.connection
    query = f"SELECT {', '.join(MOVE_COLUMNS)}, checksum FROM moves WHERE {condition}"  # noqa: S608 - our own names
    # Damaged text may be invalid UTF-8.
    connection.text_factory = _as_text
    try:
        rows = connection.execute(query, values).fetchall()
    finally:
        connection.text_factory = str
    return [_entry(row[:-1], row[-1]) for row in rows]


def damaged_rows(catalog: Catalog) -> list[DamagedRow]:
    """The damaged rows of the whole journal, which is read in pages."""
    found: list[DamagedRow] = []
    page = select_all(catalog, "1 ORDER BY id LIMIT ?", (_PAGE,))
    while page:
        found += [one for one in page if isinstance(one, DamagedRow)]
        page = select_all(catalog, "id > ? ORDER BY id LIMIT ?", (page[-1].id, _PAGE))
    return found


def _as_text(kept: bytes) -> str:
    return kept.decode(errors="surrogateescape")


def _entry(row: tuple[Any, ...], kept_checksum: object) -> MoveRecord | DamagedRow:
    """A row of the journal as a record; rows of older catalogs have no checksum."""
    kept = dict(zip(MOVE_COLUMNS, row, strict=True))
    if kept_checksum is not None and kept_checksum != row_checksum(row):
        return DamagedRow(id=kept["id"], field="checksum")
    kept |= {name: _as_number(kept[name]) for name in ("inode", "device")}
    wrong = wrong_field(kept) or _wrong_state(kept)
    if wrong is not None:
        return DamagedRow(id=kept["id"], field=wrong)
    kept |= {"method": Method(kept["method"]), "state": MoveState(kept["state"])}
    return MoveRecord(**{field_of(name): value for name, value in kept.items()})


def _wrong_state(kept: dict[str, Any]) -> str | None:
    """The first wrong field of those that the journal has and the log does not."""
    if kept["state"] not in _STATES:
        return "state"
    if kept["temporary"] is not None and not isinstance(kept["temporary"], bytes):
        return "temporary"
    return None if isinstance(kept["note"], str) else "note"


def _as_number(kept: object) -> int | None:
    """Inodes and devices are stored as text, for they may be larger than SQLite's integers."""
    return int(kept) if isinstance(kept, str) and kept.isdecimal() and len(kept) < _DIGITS else None


def _as_row(entry: MoveRecord) -> tuple[Any, ...]:
    """The values of an entry in the order of MOVE_COLUMNS."""
    values = {name: getattr(entry, field_of(name)) for name in MOVE_COLUMNS}
    values |= {"method": entry.method.value, "inode": str(entry.inode), "device": str(entry.device)}
    values |= {"state": entry.state.value, "note": to_note(entry.note)}
    return tuple(values.values())
