"""Grids for labelling from nothing: pictures that look alike, and, once something is learned, those taken for one kind.

Reads what an outlook says beside the catalogue; a picture that it is sure of is in no cluster any more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from classifier.review.queue import ROW, waiting

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from classifier.catalogue.store import Catalogue
    from classifier.review.queue import Waiting

SURE: Final = 0.5
"""From this confidence on a picture is shown as taken for its category, below it beside those that look like it."""
RANKS: Final = "picture TEXT PRIMARY KEY, place INTEGER, category TEXT, confidence REAL, look INTEGER, logits BLOB"
_NAME: Final = re.compile(r"outlook-(\d+)\.db")
_TAKEN: Final = (
    f"r.category != '' AND r.confidence >= {SURE} AND NOT (said.how IS 'wrong' AND said.category = r.category)"
)
_WAITS: Final = """
FROM outlook.ranks AS r CROSS JOIN decisions AS d ON d.picture = r.picture
CROSS JOIN places ON places.picture = r.picture LEFT JOIN temp.said ON said.picture = r.picture
"""
_UNSAID: Final = "d.action = 'review' AND (said.how IS NULL OR said.how = 'wrong')"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Pictures to be named together: a cluster by its number `look`, or what is taken for `category`."""

    look: int | None
    category: str | None
    count: int


def attach_newest(catalogue: Catalogue) -> None:
    """Read the outlook that was written last from now on; where there is none, an empty one."""
    path = None if catalogue.path is None else _newest(catalogue.path.parent)
    connection = catalogue.connection
    attached = {name: file for _, name, file in connection.execute("PRAGMA database_list")}
    if attached.get("outlook") == ("" if path is None else str(path)):
        return
    if "outlook" in attached:
        connection.execute("DETACH outlook")
    connection.execute("ATTACH ? AS outlook", (":memory:" if path is None else f"{path.as_uri()}?mode=ro",))
    if path is None:
        connection.execute(f"CREATE TABLE outlook.ranks ({RANKS}) WITHOUT ROWID")


def _newest(folder: Path) -> Path | None:
    found = [(int(match[1]), path) for path in folder.iterdir() if (match := _NAME.fullmatch(path.name))]
    return max(found)[1].resolve() if found else None


def grids(catalogue: Catalogue) -> list[Grid]:
    """Every grid in which something waits: categories by how much does, then clusters as they are numbered."""
    execute = catalogue.connection.execute
    taken = execute(f"SELECT r.category, count(*) {_WAITS} WHERE {_UNSAID} AND {_TAKEN} GROUP BY 1 ORDER BY 2 DESC, 1")
    found = [Grid(look=None, category=category, count=count) for category, count in taken]
    looks = execute(f"SELECT r.look, count(*) {_WAITS} WHERE {_UNSAID} AND NOT ({_TAKEN}) GROUP BY 1 ORDER BY 1")
    return found + [Grid(look=look, category=None, count=count) for look, count in looks]


def of_look(catalogue: Catalogue, look: int, *, limit: int) -> list[Waiting]:
    """What of a cluster is not named yet, the closest to its centre first."""
    return _rows(catalogue, f"NOT ({_TAKEN}) AND r.look = ? ORDER BY r.place", look, limit)


def taken_for(catalogue: Catalogue, categories: Sequence[str], *, limit: int) -> list[Waiting]:
    """What is taken for a category, under any of its names, and not confirmed yet, the surest first."""
    marks = ", ".join("?" for _ in categories)
    where = f"{_TAKEN} AND r.category IN ({marks}) ORDER BY r.confidence DESC, r.place"
    return _rows(catalogue, where, *categories, limit)


def _rows(catalogue: Catalogue, where: str, *values: int | str) -> list[Waiting]:
    row = ROW.partition("FROM")[0].format(keys="r.place")
    join = "LEFT JOIN pictures ON pictures.id = r.picture LEFT JOIN predictions ON predictions.picture = NULL"
    query = f"{row} {_WAITS} {join} WHERE {_UNSAID} AND {where} LIMIT ?"
    return [waiting(found) for found in catalogue.connection.execute(query, values)]
