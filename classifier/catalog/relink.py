"""A crawl that was moved or renamed: its pictures are known, only under other paths; their places follow them."""

from __future__ import annotations

import os
from pathlib import Path

from classifier.catalog.connection import Catalog
from classifier.catalog.moves import to_bytes, to_path

# Places whose picture is in the crawl, though not where it was placed from; a moved one has left its source for good.
_STRAYED = """
SELECT places.picture, places.source, min(files.path) FROM places
JOIN files ON files.picture = places.picture AND files.crawl = :crawl AND files.seen = :run
WHERE places.method != 'move' AND NOT EXISTS (
    SELECT 1 FROM files AS still WHERE still.path = places.source AND still.seen = :run AND still.crawl = :crawl)
GROUP BY places.picture
"""


def adopt(catalog: Catalog, *, run: int, crawl: Path) -> int:
    """Give pictures whose source is gone the path that `run` found them under; returns how many there were.

    While the old source is still there, the new path is a duplicate, and stays one.
    """
    rows = catalog.connection.execute(_STRAYED, {"run": run, "crawl": to_bytes(crawl)}).fetchall()
    gone = [(path, picture) for picture, source, path in rows if not os.path.lexists(to_path(source))]
    with catalog.transaction() as connection:
        connection.executemany("UPDATE places SET source = ? WHERE picture = ?", gone)
    return len(gone)
