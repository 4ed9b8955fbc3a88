"""Files of the crawl: which were found, which image each holds, why one could not be read. Paths change, ids do not."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.catalog.library_changes import DELETED
from classifier.catalog.values import to_bytes, to_image_file, to_path
from classifier.reasons import Reason, ReasonCode
from classifier.records import Failure, FailureKind, ImageFile, ImageId, ImageInfo, time_of

if TYPE_CHECKING:
    from classifier.catalog.connection import Catalog

_UNCHANGED = (
    "files.size_bytes = excluded.size_bytes AND files.mtime_ns = excluded.mtime_ns AND files.inode = excluded.inode"
)

_PASSING = ", ".join(f"'{kind}'" for kind in FailureKind if kind.is_passing)

# What was read stays valid while the file is unchanged; a temporary failure is tried again.
_RECORD_FOUND = f"""
INSERT INTO files (path, crawl, size_bytes, mtime_ns, inode, device, seen) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (path) DO UPDATE SET
    crawl = excluded.crawl, seen = excluded.seen, device = excluded.device,
    picture = CASE WHEN {_UNCHANGED} THEN picture END,
    failure_kind = CASE WHEN {_UNCHANGED} AND failure_kind NOT IN ({_PASSING}) THEN failure_kind END,
    failure_detail = CASE WHEN {_UNCHANGED} THEN failure_detail END,
    size_bytes = excluded.size_bytes, mtime_ns = excluded.mtime_ns, inode = excluded.inode
"""  # noqa: S608 - built from constants of this module

# What was read of an unchanged file stays valid as it is: only its `seen` is written, in a third of the time.
_STILL_THERE = f"""
UPDATE files SET seen = ? WHERE path = ? AND crawl = ? AND size_bytes = ? AND mtime_ns = ? AND inode = ? AND device = ?
AND (failure_kind IS NULL OR failure_kind NOT IN ({_PASSING}))
"""  # noqa: S608
_PART = 512
"""Files recorded together: all as still there, or all again."""

_FORMAT = "CASE WHEN json_valid(failure_detail) THEN json_extract(failure_detail, '$.format') END"

_UNREAD = "crawl = ? AND seen = ? AND failure_kind IS NULL"

_UNKNOWN_TO_MODEL = """(picture IS NULL OR NOT EXISTS (
    SELECT 1 FROM predictions WHERE predictions.picture = files.picture AND model = ?))"""


def record_found(catalog: Catalog, *, run: int, crawl: Path, files: Iterable[ImageFile]) -> None:
    """Record that `run` found `files`; what is known of unchanged ones is kept."""
    root = to_bytes(crawl)
    rows = [(to_bytes(f.path), root, f.size_bytes, f.mtime_ns, str(f.inode), str(f.device)) for f in files]
    with catalog.transaction() as connection:
        for start in range(0, len(rows), _PART):
            part = rows[start : start + _PART]
            if connection.executemany(_STILL_THERE, ((run, *row) for row in part)).rowcount < len(part):
                connection.executemany(_RECORD_FOUND, ((*row, run) for row in part))


def record_unreadable(catalog: Catalog, *, run: int, crawl: Path, refused: Iterable[tuple[Path, Reason]]) -> None:
    """Record the folders and files that could not be listed or read by `run`, with the reason; they have no size."""
    root = to_bytes(crawl)
    with catalog.transaction() as connection:
        connection.executemany(
            "INSERT OR REPLACE INTO files (path, crawl, failure_kind, failure_detail, seen) VALUES (?, ?, ?, ?, ?)",
            ((to_bytes(path), root, FailureKind.UNREADABLE.value, reason.text, run) for path, reason in refused),
        )


def retry_formats(catalog: Catalog, *, crawl: Path, is_read: Callable[[str], bool]) -> None:
    """Forget that unchanged files of `crawl` could not be read where their format is now read."""
    rows = catalog.connection.execute(
        f"SELECT path, {_FORMAT} FROM files WHERE crawl = ? AND failure_kind = ?",  # noqa: S608
        (to_bytes(crawl), FailureKind.UNSUPPORTED),
    ).fetchall()
    formats = {name for _, name in rows if isinstance(name, str)}
    now_read = {name for name in formats if is_read(name)}
    if not now_read:
        return
    with catalog.transaction() as connection:
        connection.executemany(
            "UPDATE files SET failure_kind = NULL, failure_detail = NULL WHERE path = ?",
            ((path,) for path, name in rows if name in now_read),
        )


def to_hash(catalog: Catalog, *, run: int, crawl: Path) -> list[Path]:
    """New files with the size of a known image: hashing may show that they need not be decoded."""
    rows = catalog.connection.execute(
        f"SELECT path FROM files WHERE {_UNREAD} AND picture IS NULL "  # noqa: S608
        "AND size_bytes IN (SELECT size_bytes FROM pictures) ORDER BY path",
        (to_bytes(crawl), run),
    )
    return [to_path(path) for (path,) in rows]


def to_predict(catalog: Catalog, *, run: int, crawl: Path, model: str) -> Iterator[Path]:
    """The files without a prediction of `model`, by path, except what a person deleted from the library."""
    rows = catalog.connection.execute(
        f"SELECT path FROM files WHERE {_UNREAD} AND {_UNKNOWN_TO_MODEL} "  # noqa: S608
        f"AND picture IN ({DELETED}) IS NOT TRUE ORDER BY path",
        (to_bytes(crawl), run, model),
    )
    return (to_path(path) for (path,) in rows)


def seen_paths(catalog: Catalog, crawl: Path) -> set[Path]:
    """Every file of `crawl` that was ever found, except unreadable ones."""
    rows = catalog.connection.execute(
        "SELECT path FROM files WHERE crawl = ? AND size_bytes IS NOT NULL", (to_bytes(crawl),)
    )
    return {to_path(path) for (path,) in rows}


def to_embed(catalog: Catalog, *, crawl: Path, backbone: str) -> Iterator[Path]:
    """The files of `crawl` without an embedding of `backbone`, by path, except those that cannot be read."""
    rows = catalog.connection.execute(
        "SELECT path FROM files WHERE crawl = ? AND failure_kind IS NULL AND (picture IS NULL OR NOT EXISTS ("
        "SELECT 1 FROM embeddings WHERE embeddings.picture = files.picture AND backbone = ?)) ORDER BY path",
        (to_bytes(crawl), backbone),
    )
    return (to_path(path) for (path,) in rows)


def readable(catalog: Catalog, *, crawl: Path) -> Iterator[tuple[ImageId, ImageFile, bool]]:
    """Each image of `crawl` that could be read, with its first file by path, and whether it is in the library."""
    rows = catalog.connection.execute(
        "SELECT picture, min(path), size_bytes, mtime_ns, inode, device, "
        "EXISTS (SELECT 1 FROM places WHERE places.picture = files.picture) FROM files "
        "WHERE crawl = ? AND failure_kind IS NULL AND picture IS NOT NULL GROUP BY picture ORDER BY min(path)",
        (to_bytes(crawl),),
    )
    for image_id, path, size_bytes, mtime_ns, inode, device, is_placed in rows:
        file = to_image_file(to_path(path), size_bytes, mtime_ns, inode, device)
        yield ImageId(image_id), file, bool(is_placed)


def file_of(catalog: Catalog, image_id: ImageId) -> ImageFile | None:
    """The first file by path, in any crawl, that held this image when it was read."""
    row = catalog.connection.execute(
        "SELECT path, size_bytes, mtime_ns, inode, device FROM files "
        "WHERE picture = ? AND failure_kind IS NULL ORDER BY path LIMIT 1",
        (image_id,),
    ).fetchone()
    return None if row is None else to_image_file(to_path(row[0]), *row[1:])


def set_image_id(catalog: Catalog, file: ImageFile, image_id: ImageId) -> None:
    """Record which image `file` held when it was read; the caller holds the transaction."""
    catalog.connection.execute(
        "UPDATE files SET picture = ?, failure_kind = NULL, failure_detail = NULL, size_bytes = ?, mtime_ns = ?, "
        "inode = ?, device = ? WHERE path = ?",
        (image_id, file.size_bytes, file.mtime_ns, str(file.inode), str(file.device), to_bytes(file.path)),
    )


def set_failure(catalog: Catalog, path: Path, failure: Failure) -> None:
    """Record why the file at `path` could not be read; the caller holds the transaction."""
    catalog.connection.execute(
        "UPDATE files SET failure_kind = ?, failure_detail = ? WHERE path = ?",
        (failure.kind, failure.detail.text, to_bytes(path)),
    )


_DAMAGED = Reason(ReasonCode.TEXT).text
"""Where the detail of a failure is gone."""


def failures(
    catalog: Catalog, *, crawl: Path | None = None, ending: int | None = None
) -> Iterator[tuple[Path, Failure]]:
    """Files that could not be read and are still there, unchanged, by path; of one crawl, or of all.

    `ending` is a sort that is not finished yet, but has listed its whole crawl.
    """
    is_current = still_there(catalog, ending=ending)
    rows = catalog.connection.execute(
        "SELECT path, crawl, seen, size_bytes, mtime_ns, failure_kind, failure_detail FROM files "
        "WHERE failure_kind IS NOT NULL AND (?1 IS NULL OR crawl = ?1) ORDER BY path",
        (None if crawl is None else to_bytes(crawl),),
    )
    for path, of_crawl, seen, size_bytes, mtime_ns, kind, detail in rows:
        if is_current(path, of_crawl, seen) and _is_unchanged(path, size_bytes, mtime_ns):
            yield to_path(path), Failure(kind=FailureKind(kind), detail=Reason.from_text(detail or _DAMAGED))


def still_there(catalog: Catalog, *, ending: int | None = None) -> Callable[[bytes, bytes, int], bool]:
    """Returns a function: whether a file (path, crawl and `seen` of its row) still exists as far as is known.

    It does while its crawl exists and no later finished sort that covered its folder missed it. That sort may have had
    another crawl, around this one or within it.
    """
    runs = catalog.connection.execute(
        "SELECT CAST(crawl AS BLOB), max(id) FROM runs "
        "WHERE kind = 'sort' AND crawl IS NOT NULL AND (finished IS NOT NULL OR id = ?) GROUP BY crawl",
        (ending,),
    ).fetchall()
    walked = [(crawl.rstrip(b"/") + b"/", int(last)) for crawl, last in runs]
    is_there = cache(os.path.lexists)

    def belongs(path: bytes, crawl: bytes, seen: int) -> bool:
        missed = any(last > seen and path.startswith(folder) for folder, last in walked)
        return not missed and is_there(crawl)

    return belongs


def _is_unchanged(path: bytes, size_bytes: int | None, mtime_ns: int | None) -> bool:
    """Whether the file is as it was when it could not be read; one in an unreadable folder counts as unchanged."""
    try:
        found = to_path(path).lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    is_same = size_bytes is None or (found.st_size, time_of(found)) == (size_bytes, mtime_ns)
    return is_same or not stat.S_ISREG(found.st_mode)


# Images in the crawl under another path than their source; after a move the source is gone for good.
_RELINKABLE = """
SELECT places.picture, places.source, min(files.path) FROM places
JOIN files ON files.picture = places.picture AND files.crawl = :crawl AND files.seen = :run
WHERE places.method != 'move' AND NOT EXISTS (
    SELECT 1 FROM files AS still WHERE still.path = places.source AND still.seen = :run AND still.crawl = :crawl)
GROUP BY places.picture
"""


def relink(catalog: Catalog, *, run: int, crawl: Path) -> int:
    """After a crawl was moved: update the source of images whose old source is gone; returns how many.

    While the old source exists, the new path is a duplicate.
    """
    rows = catalog.connection.execute(_RELINKABLE, {"run": run, "crawl": to_bytes(crawl)}).fetchall()
    gone = [(path, image_id) for image_id, source, path in rows if not os.path.lexists(to_path(source))]
    with catalog.transaction() as connection:
        connection.executemany("UPDATE places SET source = ? WHERE picture = ?", gone)
    return len(gone)


def add_image(catalog: Catalog, image: ImageInfo) -> None:
    """Record an image that could be decoded; the caller holds the transaction."""
    catalog.connection.execute(
        "INSERT OR REPLACE INTO pictures (id, size_bytes, width, height, truncated) VALUES (?, ?, ?, ?, ?)",
        (image.id, image.size_bytes, image.width, image.height, int(image.truncated)),
    )


def is_known_image(catalog: Catalog, image_id: ImageId) -> bool:
    """Whether this image was decoded before, under any path."""
    row = catalog.connection.execute("SELECT 1 FROM pictures WHERE id = ?", (image_id,)).fetchone()
    return row is not None
