"""The queue by the ranking: its order, and the grids for labeling from nothing.

In its order, first what is ranked, then the rest by confidence. Every page costs the same; the rest is looked up once
per ranking, when it is reached. The grids are clusters of similar images, and predicted categories once something is
learned; a confidently predicted image is in no cluster.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Final

from classifier.catalog import queue
from classifier.catalog.queue import (
    ANNOTATED_JOIN,
    DECISIONS,
    IN_FOLDER,
    ITEM_QUERY,
    Order,
    annotation_condition,
    item_from_row,
)
from classifier.catalog.ranking import attach_newest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classifier.catalog.categories import CategoryAliases
    from classifier.catalog.connection import Catalog
    from classifier.catalog.queue import CursorValue, QueueFilter, QueueItem

_Where = dict[str, "CursorValue | tuple[str, ...] | None"]
_KEY: Final = 4
_RANKED: Final = f"""{{ranks}}
CROSS JOIN decisions AS d ON d.picture = r.picture AND d.action = r.action {ANNOTATED_JOIN}"""
_BESIDE: Final = f"""temp.late INDEXED BY {{index}}
CROSS JOIN decisions AS d ON d.picture = late.picture AND d.action = late.action
LEFT JOIN outlook.ranks AS r ON r.picture = d.picture AND r.action = d.action {ANNOTATED_JOIN}"""
_UNRANKED: Final = """ AND NOT EXISTS (
SELECT 1 FROM outlook.ranks AS known WHERE known.picture = d.picture AND known.action = d.action)"""
_BESIDE_HERE: Final = f"temp.here CROSS JOIN {DECISIONS.format(how=IN_FOLDER + _UNRANKED)} {ANNOTATED_JOIN}"
_LATE: Final = (
    "DROP TABLE IF EXISTS temp.late",
    "CREATE TEMP TABLE late (picture TEXT, action TEXT, category TEXT, confidence REAL)",
    """INSERT INTO temp.late SELECT picture, action, category, confidence FROM decisions AS d
    WHERE action IN ('review', 'unknown') AND NOT EXISTS (
        SELECT 1 FROM outlook.ranks AS r WHERE r.picture = d.picture AND r.action = d.action)""",
    "CREATE INDEX temp.late_by_surety ON late (action, confidence, picture)",
    "CREATE INDEX temp.late_by_category ON late (action, category, confidence, picture)",
)
SURE: Final = 0.5
"""From this confidence on an image is shown with its predicted category, below it with its cluster."""
_IS_PREDICTED: Final = f"""r.category != '' AND r.confidence >= {SURE} AND NOT EXISTS (
SELECT 1 FROM temp.ruled_out WHERE ruled_out.picture = r.picture AND ruled_out.category = r.category)"""  # noqa: S608 - our own
_WAITS: Final = """outlook.ranks AS r CROSS JOIN decisions AS d ON d.picture = r.picture AND d.action = r.action
LEFT JOIN temp.annotated ON annotated.picture = r.picture"""
_IS_OPEN: Final = "d.action = 'review' AND (annotated.how IS NULL OR annotated.how = 'wrong')"
_IS_ANNOTATED: Final = "CASE WHEN annotated.how IS NULL THEN 0 ELSE 1 END"


class RankedQueue:
    """The queue by the newest ranking; cursors start with the number of the ranking and the part."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self.snapshot = attach_newest(catalog)
        self._has_late = False

    def use_newest(self) -> bool:
        """Attach the newest ranking. Returns whether it is new."""
        before, self.snapshot = self.snapshot.number, attach_newest(self._catalog, self.snapshot)
        if before == self.snapshot.number:
            return False
        self.changed()
        return True

    def changed(self) -> None:
        """Decisions changed, so the rest is looked up again."""
        self._has_late = False

    def page(
        self, wanted: QueueFilter, *, model: str, after: Sequence[CursorValue] | None, limit: int
    ) -> list[QueueItem]:
        """The next `limit` items after the cursor `after`; one of an older ranking counts as the beginning."""
        part, place = 0, None
        if after is not None and after[0] == self.snapshot.number:
            part, place = int(after[1] != 0), after[2:]
        if not self.snapshot.number:
            old = replace(wanted, order=Order.CONFIDENCE)
            return self._marked(queue.page(self._catalog, old, model=model, after=place, limit=limit), part=1)
        rows: list[QueueItem] = []
        if part == 0:
            rows = self._marked(self._ranked(wanted, model, place, limit), part=0)
            place = None
        if len(rows) < limit and wanted.cluster is None:
            rows += self._marked(self._beside(wanted, model, place, limit - len(rows)), part=1)
        return rows

    def _marked(self, rows: Sequence[QueueItem], *, part: int) -> list[QueueItem]:
        return [replace(row, cursor=(self.snapshot.number, part, *row.cursor, 0)[:_KEY]) for row in rows]

    def _ranked(
        self, wanted: QueueFilter, model: str, after: Sequence[CursorValue] | None, limit: int
    ) -> list[QueueItem]:
        index, keys = _order(wanted)
        where: _Where = {"r.action": wanted.action.value, "r.category": wanted.aliases or wanted.category}
        ranks = "temp.here CROSS JOIN outlook.ranks AS r ON r.picture = here.picture"
        if not wanted.is_small:
            ranks = f"outlook.ranks AS r INDEXED BY {index}"
        return self._rows(
            _RANKED.format(ranks=ranks), keys, where | {"r.look": wanted.cluster}, wanted, (model, after, limit)
        )

    def _beside(
        self, wanted: QueueFilter, model: str, after: Sequence[CursorValue] | None, limit: int
    ) -> list[QueueItem]:
        if wanted.is_small:
            few: _Where = {"d.action": wanted.action.value, "d.category": wanted.aliases or wanted.category}
            return self._rows(_BESIDE_HERE, ("d.confidence", "d.picture"), few, wanted, (model, after, limit))
        if not self._has_late:
            for statement in _LATE:
                self._catalog.connection.execute(statement)
            self._has_late = True
        index = "late_by_surety" if wanted.category is None else "late_by_category"
        source = _BESIDE.format(index=index)
        where: _Where = {"late.action": wanted.action.value, "late.category": wanted.aliases or wanted.category}
        return self._rows(source, ("late.confidence", "late.picture"), where, wanted, (model, after, limit))

    def _rows(
        self,
        source: str,
        keys: tuple[str, ...],
        where: _Where,
        wanted: QueueFilter,
        how: tuple[str, Sequence[CursorValue] | None, int],
    ) -> list[QueueItem]:
        model, after, limit = how
        given = {
            column: value if isinstance(value, tuple) else (value,)
            for column, value in where.items()
            if value is not None
        }
        conditions = [
            annotation_condition(wanted),
            *(f"{column} IN ({', '.join('?' * len(of))})" for column, of in given.items()),
        ]
        if after is not None:
            conditions.append(f"({', '.join(keys)}) > ({', '.join('?' for _ in keys)})")
        query = ITEM_QUERY.format(keys=", ".join(keys), source=source)
        query += f" WHERE {' AND '.join(conditions)} ORDER BY {', '.join(keys)} LIMIT ?"
        values = (model, *chain.from_iterable(given.values()), *(after or ())[: len(keys)], limit)
        return [item_from_row(row) for row in self._catalog.connection.execute(query, values)]


def _order(wanted: QueueFilter) -> tuple[str, tuple[str, ...]]:
    """The index that serves it, and by which columns."""
    if wanted.order is Order.CLUSTER or wanted.cluster is not None:
        index = "ranks_alike" if wanted.category is None else "ranks_alike_by_category"
        return index, ("r.look", "r.place") if wanted.cluster is None else ("r.place",)
    if wanted.category is None:
        return "ranks_by_place", ("r.place",)
    return "ranks_by_surety", ("r.confidence", "r.place")


_LARGE: Final = 8
"""Images of a cluster that are worth a grid before what is predicted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageClusters:
    """The clusters of a sample: how many there are, how many have annotations, and those without any."""

    all: int
    named: int
    untouched: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Images to label together: a cluster by its number, or those predicted as `category`."""

    cluster: int | None
    category: str | None
    count: int


def list_grids(catalog: Catalog, names: CategoryAliases) -> list[Grid]:
    """Every grid in which something waits: large clusters without an annotation, categories by count, other clusters.

    What the model takes for a category comes after the clusters that nobody has looked at: it does not know of theirs.
    """
    source = f"FROM {_WAITS} CROSS JOIN places ON places.picture = r.picture WHERE {_IS_OPEN}"
    execute = catalog.connection.execute
    predicted: Counter[str] = Counter()
    for category, count in execute(f"SELECT r.category, count(*) {source} AND {_IS_PREDICTED} GROUP BY 1 ORDER BY 1"):
        predicted[names.resolve(category)] += count
    found = [Grid(cluster=None, category=category, count=count) for category, count in predicted.most_common()]
    rows = execute(f"SELECT r.look, count(*) {source} AND NOT ({_IS_PREDICTED}) GROUP BY 1 ORDER BY 1")
    clusters = [Grid(cluster=cluster, category=None, count=count) for cluster, count in rows]
    untouched = set(image_clusters(catalog).untouched)
    first = [grid for grid in clusters if grid.cluster in untouched and grid.count >= _LARGE]
    return [*first, *found, *(grid for grid in clusters if grid not in first)]


def image_clusters(catalog: Catalog) -> ImageClusters:
    """Clusters with waiting or annotated images; a filed image still counts for its cluster."""
    rows = catalog.connection.execute(
        f"SELECT r.look, max({_IS_ANNOTATED}), max(d.action = 'review') FROM outlook.ranks AS r "  # noqa: S608 - our own
        "CROSS JOIN decisions AS d ON d.picture = r.picture CROSS JOIN places ON places.picture = r.picture "
        "LEFT JOIN temp.annotated ON annotated.picture = r.picture GROUP BY 1 ORDER BY 1"
    ).fetchall()
    named = sum(is_annotated for _, is_annotated, _ in rows)
    untouched = tuple(int(cluster) for cluster, is_annotated, waits in rows if waits and not is_annotated)
    return ImageClusters(all=named + len(untouched), named=named, untouched=untouched)


def cluster_images(catalog: Catalog, cluster: int, *, limit: int) -> list[QueueItem]:
    """The unlabeled images of a cluster, the closest to its center first."""
    return _rows(catalog, f"NOT ({_IS_PREDICTED}) AND r.look = ? ORDER BY r.place", cluster, limit)


def predicted_images(catalog: Catalog, categories: Sequence[str], *, limit: int) -> list[QueueItem]:
    """Unconfirmed images predicted as a category, under any of its names, the most confident first."""
    marks = ", ".join("?" for _ in categories)
    where = f"{_IS_PREDICTED} AND r.category IN ({marks}) ORDER BY r.confidence DESC, r.place"
    return _rows(catalog, where, *categories, limit)


def _rows(catalog: Catalog, where: str, *values: int | str) -> list[QueueItem]:
    query = f"{ITEM_QUERY.format(keys='r.place', source=_WAITS)} WHERE {_IS_OPEN} AND {where} LIMIT ?"
    return [item_from_row(found) for found in catalog.connection.execute(query, ("", *values))]
