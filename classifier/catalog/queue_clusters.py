"""Grids for labeling from nothing: clusters of similar images, and predicted categories once something is learned.

Reads the ranking. A confidently predicted image is in no cluster.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from classifier.catalog.queue import ITEM_QUERY, item_from_row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classifier.catalog.categories import CategoryAliases
    from classifier.catalog.connection import Catalog
    from classifier.catalog.queue import QueueItem

SURE: Final = 0.5
"""From this confidence on an image is shown with its predicted category, below it with its cluster."""
_IS_PREDICTED: Final = f"""r.category != '' AND r.confidence >= {SURE} AND NOT EXISTS (
SELECT 1 FROM temp.ruled_out WHERE ruled_out.picture = r.picture AND ruled_out.category = r.category)"""  # noqa: S608 - our own
_WAITS: Final = """outlook.ranks AS r CROSS JOIN decisions AS d ON d.picture = r.picture AND d.action = r.action
LEFT JOIN temp.annotated ON annotated.picture = r.picture"""
_IS_OPEN: Final = "d.action = 'review' AND (annotated.how IS NULL OR annotated.how = 'wrong')"


_IS_ANNOTATED: Final = "CASE WHEN annotated.how IS NULL THEN 0 ELSE 1 END"


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
    """Every grid in which something waits: categories by count, then clusters by number."""
    source = f"FROM {_WAITS} CROSS JOIN places ON places.picture = r.picture WHERE {_IS_OPEN}"
    execute = catalog.connection.execute
    predicted: Counter[str] = Counter()
    for category, count in execute(f"SELECT r.category, count(*) {source} AND {_IS_PREDICTED} GROUP BY 1 ORDER BY 1"):
        predicted[names.resolve(category)] += count
    found = [Grid(cluster=None, category=category, count=count) for category, count in predicted.most_common()]
    clusters = execute(f"SELECT r.look, count(*) {source} AND NOT ({_IS_PREDICTED}) GROUP BY 1 ORDER BY 1")
    return found + [Grid(cluster=cluster, category=None, count=count) for cluster, count in clusters]


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
