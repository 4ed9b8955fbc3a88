"""What waits for a person, page by page; every page costs the same, however long the queue is and however far one is.

Must not know what is answered: the table `temp.said` holds what was, as far as it keeps a picture out of the queue.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from classifier.catalogue.journal import to_path
from classifier.records import Action, PictureId

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from classifier.catalogue.store import Catalogue

Key = float | int | str
SAID: Final = """
CREATE TEMP TABLE IF NOT EXISTS said (picture TEXT PRIMARY KEY, how TEXT NOT NULL, category TEXT) WITHOUT ROWID
"""
"""`how` is "settled", "skipped" or "wrong", the last with the category that the picture is not of."""


class Order(StrEnum):
    """What comes first."""

    SURETY = "surety"
    """The least sure."""
    CATEGORY = "category"
    """One category after the other, the least sure of each first."""
    NEWEST = "newest"
    """What the last run brought, the least sure of it first."""


_KEYS: Final = {
    Order.SURETY: ("d.confidence", "d.picture"),
    Order.CATEGORY: ("d.category", "d.confidence", "d.picture"),
    Order.NEWEST: ("-d.run", "d.confidence", "d.picture"),
}
_INDEX: Final = {
    Order.SURETY: "decisions_by_surety",
    Order.CATEGORY: "decisions_by_category",
    Order.NEWEST: "decisions_by_run",
}


_PART: Final = 500  # below the least number of values that SQLite takes in one statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which part of the queue: a tray, an order, one category or all, the skipped ones or those never looked at."""

    action: Action = Action.REVIEW
    order: Order = Order.SURETY
    category: str | None = None
    skipped: bool = False
    grid: bool = False
    """Whether what was judged not to be of its category stays out: it is looked at singly."""

    @property
    def keys(self) -> tuple[str, ...]:
        """By which columns it is ordered, so that their values are a place in it."""
        return _KEYS[Order.SURETY if self.order is Order.CATEGORY and self.category is not None else self.order]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One picture of the queue; `path` in the library, `logits` as stored, `key` its place in the order."""

    picture: PictureId
    action: Action
    category: str
    confidence: float
    reason: str
    run: int
    path: Path
    width: int
    height: int
    logits: bytes | None
    key: tuple[Key, ...]


ROW: Final = """
SELECT d.picture, d.action, d.category, d.confidence, d.reason, d.run, places.path, pictures.width, pictures.height,
    predictions.logits, {keys}
FROM decisions AS d {how}
CROSS JOIN places ON places.picture = d.picture
LEFT JOIN pictures ON pictures.id = d.picture
LEFT JOIN predictions ON predictions.picture = d.picture AND predictions.model = ?
"""


def page(
    catalogue: Catalogue,
    wanted: Wanted,
    *,
    model: str,
    after: Sequence[Key] | None,
    limit: int,
    categories: Sequence[str] = (),
) -> list[Waiting]:
    """The next `limit` pictures behind the place `after` (None: from the beginning).

    `categories` are the names under which the wanted one is kept, where it was put together of several.
    """
    keys = wanted.keys
    by = Order.CATEGORY if wanted.category is not None and wanted.order is Order.SURETY else wanted.order
    conditions, values = ["d.action = ?", _answered(wanted)], [model, wanted.action.value]
    if wanted.category is not None:
        kept = list(categories) or [wanted.category]
        conditions.append(f"d.category IN ({', '.join('?' for _ in kept)})")
        values += kept
    bounds: list[Key] = []
    if after is not None:
        conditions.append(f"({', '.join(keys)}) > ({', '.join('?' for _ in keys)})")
        bounds = list(after)
    how = f"INDEXED BY {_INDEX[by]} LEFT JOIN temp.said ON said.picture = d.picture"
    query = f"{ROW.format(keys=', '.join(keys), how=how)} WHERE {' AND '.join(conditions)}"
    rows = catalogue.connection.execute(f"{query} ORDER BY {', '.join(keys)} LIMIT ?", (*values, *bounds, limit))
    return [waiting(row) for row in rows]


def of_pictures(catalogue: Catalogue, pictures: Sequence[PictureId], *, model: str) -> list[Waiting]:
    """What is decided of these pictures and lies in the library, filed or waiting, in the same order."""
    found: dict[PictureId, Waiting] = {}
    for start in range(0, len(pictures), _PART):
        part = pictures[start : start + _PART]
        marks = ", ".join("?" for _ in part)
        query = f"{ROW.format(keys='d.confidence, d.picture', how='')} WHERE d.picture IN ({marks})"
        for row in map(waiting, catalogue.connection.execute(query, (model, *part))):
            found[row.picture] = row
    return [found[picture] for picture in pictures if picture in found]


def of_categories(catalogue: Catalogue, categories: Sequence[str], *, model: str) -> Iterator[Waiting]:
    """What is decided to be, or guessed to be, of these categories by the names they are kept under."""
    marks = ", ".join("?" for _ in categories)
    query = f"{ROW.format(keys='d.confidence, d.picture', how='')} WHERE d.category IN ({marks})"
    return map(waiting, catalogue.connection.execute(query, (model, *categories)))


def counts(catalogue: Catalogue) -> dict[str, dict[str, int]]:
    """How many lie in each tray, by best guess, most first, answered or not; takes as long as there are many."""
    found: dict[str, dict[str, int]] = {Action.REVIEW.value: {}, Action.UNKNOWN.value: {}}
    query = """
    SELECT d.action, d.category, count(*) FROM decisions AS d
    CROSS JOIN places ON places.picture = d.picture
    WHERE d.action IN ('review', 'unknown') GROUP BY 1, 2 ORDER BY 3 DESC, 2
    """
    for action, category, count in catalogue.connection.execute(query):
        found[action][category] = count
    return found


def _answered(wanted: Wanted) -> str:
    if wanted.skipped:
        return "said.how = 'skipped'"
    if wanted.grid:
        return "said.how IS NULL"
    return "(said.how IS NULL OR said.how = 'wrong')"


def waiting(row: Sequence[object]) -> Waiting:
    """A row of `ROW` as a record."""
    picture, action, category, confidence, reason, run, path, width, height, logits, *key = row
    return Waiting(
        picture=PictureId(str(picture)),
        action=Action(str(action)),
        category=str(category),
        confidence=float(str(confidence)),
        reason=str(reason),
        run=int(str(run)),
        path=to_path(path if isinstance(path, bytes) else os.fsencode(str(path))),
        width=int(str(width or 0)),
        height=int(str(height or 0)),
        logits=logits if isinstance(logits, bytes) else None,
        key=tuple(part if isinstance(part, float | int) else str(part) for part in key),
    )
