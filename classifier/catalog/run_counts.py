"""What one sort did to the pictures of its crawl, apart from those that were there before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from classifier.catalog.values import to_bytes
from classifier.records import Action

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.catalog.connection import Catalog

_PLACED: Final = """
SELECT decisions.action, count(*) FROM moves JOIN decisions ON decisions.picture = moves.picture
WHERE moves.run = ? AND moves.state = 'done' AND moves.beside IS NULL AND moves.method NOT IN ('rename', 'remove')
GROUP BY 1
"""

_MOVED: Final = """
SELECT count(DISTINCT picture) FROM moves
WHERE run = ? AND state = 'done' AND beside IS NULL AND method = 'rename'
"""

_NOT_PLACED: Final = """
SELECT count(DISTINCT picture) FROM moves
WHERE run = ? AND state IN ('changed', 'gone', 'failed') AND beside IS NULL AND method != 'rename'
AND NOT EXISTS (SELECT 1 FROM places WHERE places.picture = moves.picture)
"""

_DUPLICATES: Final = """
SELECT count(*) FROM files JOIN places ON places.picture = files.picture
WHERE files.rowid > ? AND crawl = ? AND seen = ? AND failure_kind IS NULL AND places.source != files.path
"""

_LEFT_OUT: Final = """
SELECT count(DISTINCT files.picture) FROM files JOIN decisions ON decisions.picture = files.picture
WHERE files.rowid > ? AND crawl = ? AND seen = ? AND action = 'duplicate'
AND NOT EXISTS (SELECT 1 FROM places WHERE places.picture = files.picture)
"""

_UNREADABLE: Final = (
    "SELECT path FROM files WHERE crawl = ?1 AND failure_kind IS NOT NULL AND (?2 IS NULL OR seen = ?2)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CrawlBefore:
    """What is known of a crawl before a sort: the last file recorded, and the files that could not be read."""

    last_file: int
    unreadable: frozenset[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCounts:
    """How many pictures a sort filed, left waiting, found to be duplicates or could not read or file.

    `copies` are those of a better picture, whether they lie in `_duplicates` or stay in the crawl.
    """

    run: int
    filed: int
    review: int
    unknown: int
    copies: int
    duplicates: int
    failed: int
    moved: int
    """Pictures that were in the library and are in another folder of it now; not among `pictures`."""

    @property
    def pictures(self) -> int:
        """How many pictures came."""
        return self.filed + self.review + self.unknown + self.copies + self.duplicates + self.failed


def crawl_before(catalog: Catalog, crawl: Path) -> CrawlBefore:
    """To be asked before a sort, for `run_counts` after it."""
    (last,) = catalog.connection.execute("SELECT coalesce(max(rowid), 0) FROM files").fetchone()
    return CrawlBefore(last_file=int(last), unreadable=_unreadable(catalog, crawl, None))


def run_counts(catalog: Catalog, crawl: Path, before: CrawlBefore) -> RunCounts:
    """What the last sort of `crawl` did."""
    execute = catalog.connection.execute
    (run,) = execute(
        "SELECT coalesce(max(id), 0) FROM runs WHERE kind = 'sort' AND crawl = ?", (to_bytes(crawl),)
    ).fetchone()
    placed = dict(execute(_PLACED, (run,)).fetchall())
    (not_placed,) = execute(_NOT_PLACED, (run,)).fetchone()
    came = (before.last_file, to_bytes(crawl), run)
    return RunCounts(
        run=run,
        filed=placed.get(Action.FILE, 0),
        review=placed.get(Action.REVIEW, 0),
        unknown=placed.get(Action.UNKNOWN, 0),
        copies=placed.get(Action.DUPLICATE, 0) + execute(_LEFT_OUT, came).fetchone()[0],
        duplicates=execute(_DUPLICATES, came).fetchone()[0],
        failed=len(_unreadable(catalog, crawl, run) - before.unreadable) + not_placed,
        moved=execute(_MOVED, (run,)).fetchone()[0],
    )


def _unreadable(catalog: Catalog, crawl: Path, run: int | None) -> frozenset[bytes]:
    return frozenset(path for (path,) in catalog.connection.execute(_UNREADABLE, (to_bytes(crawl), run)))
