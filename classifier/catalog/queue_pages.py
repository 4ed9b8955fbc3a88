"""The pages of the queue in every order, also by the paths of the crawl and within one of its folders.

By path, an image counts by its first path, so folders stay together. The cursor is an image, so no path reaches the
page. Images without a file in the crawl come last, the least confident first. A page is read along the files from the
cursor on, or, with few waiting images, by looking each of them up.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from classifier.catalog import queue
from classifier.catalog.queue import ANNOTATED_JOIN, Order, annotation_condition, decision_condition, items_of_images
from classifier.catalog.queue_by_ranking import RankedQueue
from classifier.catalog.values import below
from classifier.records import ImageId

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from classifier.catalog.connection import Catalog
    from classifier.catalog.queue import CursorValue, QueueFilter, QueueItem
    from classifier.catalog.ranking import RankingSnapshot
    from classifier.records import Action

_Bounds = tuple[bytes, bytes]
_FEW: Final = 3000
"""Looking up this many takes as long as scanning the files between sixty of them."""
_EVERYWHERE: Final = (b"", b"\xff")
_FIRST: Final = "SELECT min(path) FROM files WHERE picture = ? AND path > ? AND path < ?"
_COUNT: Final = "SELECT count(*) FROM (SELECT 1 FROM {source} WHERE {conditions} LIMIT ?)"
_DECIDED: Final = "decisions AS d INDEXED BY decisions_by_category"
_SKIPPED: Final = "temp.annotated CROSS JOIN decisions AS d ON d.picture = annotated.picture"
_LOOKED_UP: Final = """
SELECT (SELECT min(path) FROM files WHERE picture = d.picture AND path > ? AND path < ?), d.picture FROM {source}
CROSS JOIN places ON places.picture = d.picture WHERE {conditions}
"""
_ALONG: Final = """
SELECT f.picture FROM files AS f CROSS JOIN decisions AS d ON d.picture = f.picture {annotated}
CROSS JOIN places ON places.picture = d.picture
WHERE f.path > ? AND f.path < ? AND {conditions} AND NOT EXISTS (
    SELECT 1 FROM files AS other WHERE other.picture = f.picture AND other.path > ? AND other.path < f.path)
ORDER BY f.path LIMIT ?
"""
_LOST: Final = "NOT EXISTS (SELECT 1 FROM files WHERE files.picture = d.picture)"
_FILES: Final = """
SELECT d.picture, files.path FROM decisions AS d CROSS JOIN files ON files.picture = d.picture
WHERE d.action IN ('review', 'unknown') AND
"""
_LAST: Final = """
coalesce((SELECT said FROM verdicts WHERE verdicts.picture = d.picture ORDER BY id DESC LIMIT 1), '')
"""
_MADE: Final = "CREATE TEMP TABLE IF NOT EXISTS here (picture TEXT PRIMARY KEY) WITHOUT ROWID"
_ONE: Final = "INSERT OR IGNORE INTO temp.here VALUES (?)"
_NOT_BELOW: Final = """
DELETE FROM temp.here WHERE picture NOT IN (
    SELECT picture FROM files WHERE path > ? AND path < ? AND picture IS NOT NULL)
"""
_BELOW: Final = """
INSERT OR IGNORE INTO temp.here SELECT picture FROM files WHERE path > ? AND path < ? AND picture IS NOT NULL
"""


def page_by_path(
    catalog: Catalog, wanted: QueueFilter, *, model: str, after: Sequence[CursorValue] | None, limit: int
) -> list[QueueItem]:
    """The next `limit` items after the cursor `after` (None: from the beginning)."""
    bounds = _EVERYWHERE if wanted.folder is None else below(wanted.folder)
    wanted = replace(wanted, folder=None)
    is_lost, *place = after or (0, 0, "")
    rows: list[QueueItem] = []
    if not is_lost:
        look = _looked_up if _are_few(catalog, wanted) else _along
        found = look(catalog, wanted, bounds, _start(catalog, bounds, place[1]), limit)
        rows = [replace(row, cursor=(0, 0, row.image_id)) for row in items_of_images(catalog, found, model=model)]
    if len(rows) == limit or bounds != _EVERYWHERE:
        return rows
    rest = replace(wanted, order=Order.CONFIDENCE)
    behind = place if is_lost else None
    lost = queue.page(catalog, rest, model=model, after=behind, limit=limit - len(rows), also=_LOST)
    return rows + [replace(row, cursor=(1, *row.cursor)) for row in lost]


def _start(catalog: Catalog, bounds: _Bounds, image_id: CursorValue) -> bytes:
    """The path to continue after; the beginning for no image, or one that has lost its file."""
    (path,) = catalog.connection.execute(_FIRST, (image_id, *bounds)).fetchone()
    return bounds[0] if path is None else bytes(path)


def _are_few(catalog: Catalog, wanted: QueueFilter) -> bool:
    source, (conditions, values) = _DECIDED, decision_condition(wanted)
    if wanted.skipped:
        source, conditions, values = "temp.annotated", annotation_condition(wanted), []
    count = _COUNT.format(source=source, conditions=conditions)
    return bool(catalog.connection.execute(count, (*values, _FEW + 1)).fetchone()[0] <= _FEW)


def _looked_up(catalog: Catalog, wanted: QueueFilter, bounds: _Bounds, start: bytes, limit: int) -> list[ImageId]:
    source = _SKIPPED if wanted.skipped else f"{_DECIDED} {ANNOTATED_JOIN}"
    condition, values = decision_condition(wanted)
    query = _LOOKED_UP.format(source=source, conditions=f"{condition} AND {annotation_condition(wanted)}")
    rows = catalog.connection.execute(query, (*bounds, *values))
    behind = sorted((path, image_id) for path, image_id in rows if path is not None and path > start)
    return [ImageId(image_id) for _, image_id in behind[:limit]]


def _along(catalog: Catalog, wanted: QueueFilter, bounds: _Bounds, start: bytes, limit: int) -> list[ImageId]:
    condition, values = decision_condition(wanted)
    query = _ALONG.format(annotated=ANNOTATED_JOIN, conditions=f"{condition} AND {annotation_condition(wanted)}")
    rows = catalog.connection.execute(query, (start, bounds[1], *values, bounds[0], limit))
    return [ImageId(image_id) for (image_id,) in rows]


def waiting_paths(catalog: Catalog, action: Action) -> Iterator[tuple[str, bytes]]:
    """Image and path of each file of the crawl that waits in the queue of `action`; those of one image together."""
    query = f"{_FILES} d.action = ? AND {_LAST} NOT IN ('right', 'none of these', 'skipped')"
    return catalog.connection.execute(query, (action.value,))


def skipped_paths(catalog: Catalog) -> Iterator[tuple[str, bytes]]:
    """Image and path of each file of the crawl that was skipped, in any queue; those of one image together."""
    return catalog.connection.execute(f"{_FILES} {_LAST} = 'skipped'")


class ImageFilter:
    """The images of one crawl folder and below, of a tag, or of both, in the table `temp.here`."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._selected: tuple[bytes | None, frozenset[ImageId] | None] = (None, None)
        self._is_small = False
        catalog.connection.execute(_MADE)

    def select(self, folder: bytes | None, tagged: frozenset[ImageId] | None) -> bool:
        """Fill `temp.here` for a folder and the images of a tag (None: no such filter).

        Returns whether there are few images.
        """
        if folder is None and tagged is None:
            return False
        if self._selected[0] != folder or self._selected[1] is not tagged:
            self._selected = folder, tagged
            self._is_small = self._fill(folder, tagged) <= _FEW
        return self._is_small

    def _fill(self, folder: bytes | None, tagged: frozenset[ImageId] | None) -> int:
        """Fill the table; returns how many images it has."""
        execute = self._catalog.connection.execute
        execute("DELETE FROM temp.here")
        if tagged is None:
            return 0 if folder is None else execute(_BELOW, below(folder)).rowcount
        self._catalog.connection.executemany(_ONE, ((image_id,) for image_id in tagged))
        return len(tagged) - (0 if folder is None else execute(_NOT_BELOW, below(folder)).rowcount)

    def changed(self) -> None:
        """Query again at the next use."""
        self._selected = (None, None)


class QueuePages:
    """The queue of one catalog, by the newest ranking that `use_newest_ranking` found."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._ranked = RankedQueue(catalog)
        self._filter = ImageFilter(catalog)

    @property
    def ranking(self) -> RankingSnapshot:
        """The attached ranking."""
        return self._ranked.snapshot

    def use_newest_ranking(self) -> bool:
        """Attach the newest ranking. Returns whether it is new."""
        return self._ranked.use_newest()

    def decisions_changed(self) -> None:
        """Decisions changed: what the ranking lacks is looked up again."""
        self._ranked.changed()

    def files_changed(self) -> None:
        """Files and decisions changed: the images of the folder are looked up again too."""
        self._ranked.changed()
        self._filter.changed()

    def page(
        self, wanted: QueueFilter, *, model: str, after: Sequence[CursorValue] | None, limit: int
    ) -> list[QueueItem]:
        """The next `limit` items after the cursor `after` (None: from the beginning)."""
        is_small = self._filter.select(None if wanted.order is Order.PATH else wanted.folder, wanted.tagged)
        if wanted.order is Order.PATH:
            return page_by_path(self._catalog, wanted, model=model, after=after, limit=limit)
        wanted = replace(wanted, is_small=is_small)
        if wanted.by_ranking:
            return self._ranked.page(wanted, model=model, after=after, limit=limit)
        return queue.page(self._catalog, wanted, model=model, after=after, limit=limit)
