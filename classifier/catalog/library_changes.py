"""What a person changed in a library outside illsort: files that are missing, and files that were moved by hand.

Files that are no longer on the disk move from `places` to `missing` with their decisions, so that nothing counts them
or waits for them; they return when the file does.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from classifier.catalog.manual_moves import record_moves
from classifier.catalog.places import PLACE_COLUMNS, LibraryFile, add_places, as_place, as_row
from classifier.catalog.values import to_bytes, utc_now
from classifier.records import ImageId

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from classifier.catalog.connection import Catalog


class ChangeKind(StrEnum):
    """Why a file is missing. DELETED and REPLACED were done by a person: no later sort files that content again."""

    DELETED = "deleted"
    REPLACED = "replaced"  # the person put another content there
    DANGLING = "dangling"  # a symbolic link whose target is gone; the target may come back


DELETED = f"SELECT picture FROM missing WHERE beside IS NULL AND what != '{ChangeKind.DANGLING}'"  # noqa: S608 - a constant
"""The images that a person deleted or replaced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingFile:
    """A file of the library as last recorded, and why it is missing."""

    place: LibraryFile
    what: ChangeKind


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryChanges:
    """Differences between catalog and disk; `here` are files as recorded and as found, perhaps in another folder."""

    here: Sequence[tuple[LibraryFile, LibraryFile]] = ()
    gone: Sequence[MissingFile] = ()
    forgotten: Sequence[LibraryFile] = ()
    """Dangling links that a person removed: forgotten."""
    on_other_disk: Sequence[tuple[bytes, int, int]] = ()
    """Path, inode and device of unchanged files on another disk than recorded."""
    back: int = 0
    """How many of `here` were missing."""
    unreachable: int = 0
    """How many files could not be checked: they stay as recorded."""

    @property
    def any(self) -> bool:
        """Whether there is anything to record."""
        return bool(self.here or self.gone or self.forgotten or self.on_other_disk)


_COLUMNS = ", ".join(PLACE_COLUMNS)

_KEPT_DECISION = "run, action, category, confidence, reason_code, reason_params"

_MISSING = f"{_COLUMNS}, {_KEPT_DECISION}, what, at"

# An interrupted run may have restored what a later one filed.
_DELETED_AGAIN = f"""
INSERT OR IGNORE INTO missing ({_MISSING}) SELECT {_MISSING} FROM restored AS r
WHERE (for_run = :run OR (for_run < :run AND coalesce(beside, picture) IN (
    SELECT coalesce(beside, picture) FROM moves WHERE run = :run AND state = 'done')))
AND NOT EXISTS (SELECT 1 FROM missing AS n WHERE n.source = r.source AND n.picture = r.picture AND n.path = r.path)
AND NOT EXISTS (SELECT 1 FROM places AS p WHERE r.beside IS NULL AND p.picture = r.picture)
AND NOT EXISTS (SELECT 1 FROM sidecars AS s WHERE s.source = r.source AND s.beside = r.beside)
ORDER BY for_run DESC
"""  # noqa: S608 - built from constants of this module


def places_to_check(catalog: Catalog) -> sqlite3.Cursor:
    """Path, size, time and device of every image and sidecar that is not a symbolic link."""
    return catalog.connection.execute(
        "SELECT path, size_bytes, mtime_ns, device FROM places WHERE method != 'symlink' "
        "UNION ALL SELECT path, size_bytes, mtime_ns, device FROM sidecars WHERE method != 'symlink'"
    )


def links_to_check(catalog: Catalog) -> sqlite3.Cursor:
    """The same for symbolic links, with size, time and content of their target as last seen in the crawl."""
    return catalog.connection.execute(
        "SELECT places.path, places.size_bytes, places.mtime_ns, places.device, files.size_bytes, files.mtime_ns, "
        "files.picture IS places.picture FROM places LEFT JOIN files ON files.path = places.source "
        "WHERE method = 'symlink' "
        "UNION ALL SELECT path, size_bytes, mtime_ns, device, NULL, NULL, 1 FROM sidecars WHERE method = 'symlink'"
    )


def recorded_original(catalog: Catalog, link: LibraryFile) -> tuple[int, int, int] | None:
    """Size and time of a link's target as last seen in the crawl, and whether it had the image's content (1 or 0)."""
    query = "SELECT size_bytes, mtime_ns, picture IS ? FROM files WHERE path = ? AND size_bytes IS NOT NULL"
    row = catalog.connection.execute(query, (link.image_id, link.source)).fetchone()
    return None if row is None else tuple(row)


def missing(catalog: Catalog) -> Iterator[MissingFile]:
    """What is missing, oldest first."""
    rows = catalog.connection.execute(f"SELECT {_COLUMNS}, what FROM missing ORDER BY id").fetchall()  # noqa: S608
    return (MissingFile(place=as_place(PLACE_COLUMNS, row[:-1]), what=ChangeKind(row[-1])) for row in rows)


def count_missing(catalog: Catalog) -> dict[ChangeKind, int]:
    """How many images are missing, by kind of change; sidecars do not count."""
    rows = catalog.connection.execute("SELECT what, count(*) FROM missing WHERE beside IS NULL GROUP BY what")
    found = dict(rows.fetchall())
    return {what: found.get(what.value, 0) for what in ChangeKind}


def is_deleted(catalog: Catalog, image_id: ImageId, path: bytes) -> bool:
    """Whether the image that was at `path` is recorded as deleted by a person."""
    row = catalog.connection.execute(
        "SELECT 1 FROM missing WHERE picture = ? AND path = ? AND what != 'replaced'", (image_id, path)
    ).fetchone()
    return row is not None


def sidecar_is_missing(catalog: Catalog, source: Path) -> bool:
    """Whether a person deleted or changed the sidecar that came from this file of the crawl."""
    row = catalog.connection.execute(
        "SELECT 1 FROM missing WHERE beside IS NOT NULL AND source = ? LIMIT 1", (to_bytes(source),)
    ).fetchone()
    return row is not None


def record_changes(catalog: Catalog, changes: LibraryChanges) -> None:
    """Record all of `changes`, or nothing."""
    with catalog.transaction() as connection:
        _renew_disks(connection, changes)
        for old, _ in changes.here:
            _delete_place(connection, old)
        for gone in changes.gone:
            _delete_place(connection, gone.place)
            _insert_missing(connection, gone)
        for place in changes.forgotten:
            connection.execute("DELETE FROM missing WHERE picture = ? AND path = ?", (place.image_id, place.path))
        for old, _ in changes.here:
            _restore_decision(connection, old)
        add_places(catalog, [new for _, new in changes.here], renamed=False)
        record_moves(connection, changes.here)


def restore_deleted(catalog: Catalog, *, run: int, crawl: Path) -> None:
    """Forget that a person deleted what `run` found in `crawl`, so that it is filed again."""
    of_it = "what = 'deleted' AND coalesce(beside, picture) IN (SELECT picture FROM files WHERE crawl = ? AND seen = ?)"
    of_run = (to_bytes(crawl), run)
    with catalog.transaction() as connection:
        connection.execute(
            f"INSERT INTO restored (for_run, {_MISSING}) SELECT ?, {_MISSING} FROM missing WHERE {of_it}",  # noqa: S608
            (run, *of_run),
        )
        connection.execute(f"DELETE FROM missing WHERE {of_it}", of_run)  # noqa: S608 - built from constants


def delete_again(catalog: Catalog, *, run: int) -> None:
    """When `run` is undone: record what it restored as deleted again, unless it is in the library nevertheless.

    The caller holds the transaction. If the run is made again, filing its images removes these rows.
    """
    catalog.connection.execute(_DELETED_AGAIN, {"run": run})


def restore_sidecar_sources(catalog: Catalog) -> None:
    """Give sidecars that an undo brought back their original source in the crawl."""
    first = (
        "(SELECT {} FROM moves WHERE moves.target = sidecars.path AND moves.beside = sidecars.beside "
        "AND state = 'done' AND undoes IS NULL ORDER BY id LIMIT 1)"
    )
    kept = b".illsort/replaced/"
    rows = catalog.connection.execute("SELECT 1 FROM sidecars WHERE instr(source, ?) LIMIT 1", (kept,)).fetchone()
    if rows is not None:
        with catalog.transaction() as connection:
            connection.execute(
                f"UPDATE sidecars SET source = coalesce({first.format('source')}, source), "  # noqa: S608 - our own names
                f"method = coalesce({first.format('method')}, method) WHERE instr(source, ?)",
                (kept,),
            )


def _renew_disks(connection: sqlite3.Connection, changes: LibraryChanges) -> None:
    rows = [(str(inode), str(device), path) for path, inode, device in changes.on_other_disk]
    for table in ("places", "sidecars"):
        connection.executemany(f"UPDATE {table} SET inode = ?, device = ? WHERE path = ?", rows)  # noqa: S608


def _delete_place(connection: sqlite3.Connection, place: LibraryFile) -> None:
    if place.beside is None:
        connection.execute("DELETE FROM places WHERE picture = ?", (place.image_id,))
    else:
        connection.execute("DELETE FROM sidecars WHERE path = ?", (place.path,))


def _insert_missing(connection: sqlite3.Connection, gone: MissingFile) -> None:
    place, marks = gone.place, ", ".join("?" for _ in range(17))
    decided: Sequence[Any] = (None,) * 6
    connection.execute("DELETE FROM missing WHERE picture = ? AND path = ?", (place.image_id, place.path))
    if place.beside is None:
        of_it = connection.execute(f"SELECT {_KEPT_DECISION} FROM decisions WHERE picture = ?", (place.image_id,))  # noqa: S608
        decided = of_it.fetchone() or decided
        connection.execute("DELETE FROM missing WHERE picture = ? AND beside IS NULL", (place.image_id,))
        connection.execute("DELETE FROM decisions WHERE picture = ?", (place.image_id,))
    connection.execute(
        f"INSERT INTO missing ({_COLUMNS}, {_KEPT_DECISION}, what, at) VALUES ({marks})",  # noqa: S608 - our own names
        (*as_row(place), *decided, gone.what.value, utc_now()),
    )


def _restore_decision(connection: sqlite3.Connection, place: LibraryFile) -> None:
    """Restore the decision of an image that was found again."""
    connection.execute(
        f"INSERT OR IGNORE INTO decisions (picture, {_KEPT_DECISION}) SELECT picture, {_KEPT_DECISION} FROM missing "  # noqa: S608
        "WHERE picture = ? AND beside IS NULL AND action IS NOT NULL",
        (place.image_id,),
    )


_LINKS = f"""
SELECT {", ".join(f"missing.{name}" for name in PLACE_COLUMNS)}, max(moves.id) FROM missing
JOIN moves ON moves.picture = missing.picture AND moves.beside IS missing.beside AND moves.state = 'done'
    AND moves.method IN ('link', 'copy', 'symlink')
WHERE what = ? AND missing.method IN ('link', 'symlink') AND {{condition}} GROUP BY missing.id
"""  # noqa: S608 - our own field names

_FOUND = "coalesce(missing.beside, missing.picture) IN (SELECT picture FROM files WHERE crawl = ? AND seen = ?)"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovableLink:
    """A link as it was placed, and the id of the change that made it."""

    place: LibraryFile
    made_by: int


def dangling_links(catalog: Catalog, *, run: int, crawl: Path) -> list[RemovableLink]:
    """Symbolic links whose target is gone, of images that `run` found in `crawl` under another path."""
    return list(_links(catalog, _FOUND, (ChangeKind.DANGLING.value, to_bytes(crawl), run)))


def changed_links(catalog: Catalog) -> list[RemovableLink]:
    """Links to files of the crawl whose content has changed since they were filed."""
    return list(_links(catalog, "missing.beside IS NULL", (ChangeKind.REPLACED.value,)))


def made_by(catalog: Catalog, sidecar: LibraryFile) -> int | None:
    """The id of the change that brought a sidecar from the crawl to its place."""
    (number,) = catalog.connection.execute(
        "SELECT max(id) FROM moves WHERE beside = ? AND source = ? AND picture = ? AND state = 'done'",
        (sidecar.beside, sidecar.source, sidecar.image_id),
    ).fetchone()
    return None if number is None else int(number)


def drop_missing(catalog: Catalog, places: Sequence[LibraryFile]) -> None:
    """These are no longer missing: what was there has been removed."""
    with catalog.transaction() as connection:
        connection.executemany(
            "DELETE FROM missing WHERE picture = ? AND path = ?", [(place.image_id, place.path) for place in places]
        )


def _links(catalog: Catalog, condition: str, values: Sequence[Any]) -> Iterator[RemovableLink]:
    for *row, made_by in catalog.connection.execute(_LINKS.format(condition=condition), values):
        yield RemovableLink(place=as_place(PLACE_COLUMNS, row), made_by=made_by)
