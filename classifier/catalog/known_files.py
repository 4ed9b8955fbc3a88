"""Which image a file of a crawl or of the library holds, as far as it was read and is unchanged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.catalog.values import to_bytes
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
_IN_LIBRARY = "SELECT picture FROM places WHERE path = ? AND size_bytes = ? AND mtime_ns = ?"


def known_images(catalog: Catalog, library: Path, files: Iterable[ImageFile]) -> Iterator[ImageId | None]:
    """The image that each file holds by its path, size and time; None where it is unknown or changed."""
    for file in files:
        inside = file.path.is_relative_to(library)
        path = to_bytes(file.path.relative_to(library) if inside else file.path)
        query = _IN_LIBRARY if inside else _IN_CRAWL
        row = catalog.connection.execute(query, (path, file.size_bytes, file.mtime_ns)).fetchone()
        yield None if row is None else ImageId(row[0])
