"""Which image a file of a crawl or of the library holds, as far as it was read; and which files an image was in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.catalog.values import to_bytes, to_path
from classifier.records import ImageId

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from classifier.catalog.connection import Catalog
    from classifier.records import ImageFile

_IN_CRAWL = (
    "SELECT picture FROM files WHERE path = ? AND size_bytes = ? AND mtime_ns = ? "
    "AND picture IS NOT NULL AND failure_kind IS NULL"
)
_MOST = 1000
_IN_LIBRARY = """
SELECT picture FROM places WHERE path = ?1 AND size_bytes = ?2 AND mtime_ns = ?3
UNION ALL
SELECT places.picture FROM places CROSS JOIN files ON files.path = places.source AND files.picture = places.picture
WHERE places.path = ?1 AND places.method = 'symlink' AND files.size_bytes = ?2 AND files.mtime_ns = ?3
LIMIT 1
"""


def known_images(catalog: Catalog, library: Path, files: Iterable[ImageFile]) -> Iterator[ImageId | None]:
    """The image that each file holds by its path, size and time; None where it is unknown or changed.

    Those of a symbolic link in the library are of the file that it leads to.
    """
    for file in files:
        inside = file.path.is_relative_to(library)
        path = to_bytes(file.path.relative_to(library) if inside else file.path)
        query = _IN_LIBRARY if inside else _IN_CRAWL
        row = catalog.connection.execute(query, (path, file.size_bytes, file.mtime_ns)).fetchone()
        yield None if row is None else ImageId(row[0])


def files_of(catalog: Catalog, image_id: ImageId) -> list[Path]:
    """Where the crawls had this image when they were sorted."""
    query = "SELECT path FROM files WHERE picture = ? AND failure_kind IS NULL ORDER BY path"
    return [to_path(path) for (path,) in catalog.connection.execute(query, (image_id,))]


def waiting_files(catalog: Catalog, beginning: Path) -> list[tuple[Path, ImageId]]:
    """The files in this folder of a crawl whose name begins so and whose image waits, at most a thousand."""
    query = (
        "SELECT files.path, d.picture FROM files CROSS JOIN decisions AS d ON d.picture = files.picture "
        "WHERE files.path > ? AND files.path < ? AND failure_kind IS NULL AND d.action IN ('review', 'unknown') LIMIT ?"
    )
    low = to_bytes(beginning)
    rows = catalog.connection.execute(query, (low, low + b"\xff", _MOST))
    found = ((to_path(path), ImageId(image_id)) for path, image_id in rows)
    return [(path, image_id) for path, image_id in found if path.parent == beginning.parent]
