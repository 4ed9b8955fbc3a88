"""Grids for labelling from nothing: pictures that look alike, and, once something is learned, those taken for one kind.

Reads what an outlook says beside the catalog; a picture that it is sure of is in no cluster any more.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from classifier.web.queue import ROW, waiting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classifier.catalog.categories import CategoryAliases
    from classifier.catalog.connection import Catalog
    from classifier.web.queue import Waiting

SURE: Final = 0.5
"""From this confidence on a picture is shown as taken for its category, below it beside those that look like it."""
_TAKEN: Final = f"""r.category != '' AND r.confidence >= {SURE} AND NOT EXISTS (
SELECT 1 FROM temp.ruled_out WHERE ruled_out.picture = r.picture AND ruled_out.category = r.category)"""  # noqa: S608 - our own
_WAITS: Final = """outlook.ranks AS r CROSS JOIN decisions AS d ON d.picture = r.picture AND d.action = r.action
LEFT JOIN temp.said ON said.picture = r.picture"""
_UNSAID: Final = "d.action = 'review' AND (said.how IS NULL OR said.how = 'wrong')"


_SPOKEN: Final = "CASE WHEN said.how IS NULL THEN 0 ELSE 1 END"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageClusters:
    """The clusters of a sample: how many there are, in how many something was named, and those without any answer."""

    all: int
    named: int
    untouched: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Pictures to be named together: a cluster by its number `look`, or what is taken for `category`."""

    look: int | None
    category: str | None
    count: int


def grids(catalog: Catalog, names: CategoryAliases) -> list[Grid]:
    """Every grid in which something waits: categories by how much does, then clusters as they are numbered."""
    source = f"FROM {_WAITS} CROSS JOIN places ON places.picture = r.picture WHERE {_UNSAID}"
    execute = catalog.connection.execute
    taken: Counter[str] = Counter()
    for category, count in execute(f"SELECT r.category, count(*) {source} AND {_TAKEN} GROUP BY 1 ORDER BY 1"):
        taken[names.resolve(category)] += count
    found = [Grid(look=None, category=category, count=count) for category, count in taken.most_common()]
    looks = execute(f"SELECT r.look, count(*) {source} AND NOT ({_TAKEN}) GROUP BY 1 ORDER BY 1")
    return found + [Grid(look=look, category=None, count=count) for look, count in looks]


def groups(catalog: Catalog) -> ImageClusters:
    """The clusters of which something waits or was answered; what an answer filed still counts for its cluster."""
    rows = catalog.connection.execute(
        f"SELECT r.look, max({_SPOKEN}), max(d.action = 'review') FROM outlook.ranks AS r "  # noqa: S608 - our own
        "CROSS JOIN decisions AS d ON d.picture = r.picture CROSS JOIN places ON places.picture = r.picture "
        "LEFT JOIN temp.said ON said.picture = r.picture GROUP BY 1 ORDER BY 1"
    ).fetchall()
    named = sum(is_spoken for _, is_spoken, _ in rows)
    untouched = tuple(int(look) for look, is_spoken, waits in rows if waits and not is_spoken)
    return ImageClusters(all=named + len(untouched), named=named, untouched=untouched)


def of_look(catalog: Catalog, look: int, *, limit: int) -> list[Waiting]:
    """What of a cluster is not named yet, the closest to its centre first."""
    return _rows(catalog, f"NOT ({_TAKEN}) AND r.look = ? ORDER BY r.place", look, limit)


def taken_for(catalog: Catalog, categories: Sequence[str], *, limit: int) -> list[Waiting]:
    """What is taken for a category, under any of its names, and not confirmed yet, the surest first."""
    marks = ", ".join("?" for _ in categories)
    where = f"{_TAKEN} AND r.category IN ({marks}) ORDER BY r.confidence DESC, r.place"
    return _rows(catalog, where, *categories, limit)


def _rows(catalog: Catalog, where: str, *values: int | str) -> list[Waiting]:
    query = f"{ROW.format(keys='r.place', source=_WAITS)} WHERE {_UNSAID} AND {where} LIMIT ?"
    return [waiting(found) for found in catalog.connection.execute(query, ("", *values))]
