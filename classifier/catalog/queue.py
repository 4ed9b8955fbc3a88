"""The queue: what waits for a person, page by page. Every page costs the same, at any length and position.

The tables `temp.annotated` and `temp.here` are those of `queue_annotations` and `queue_pages`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from classifier.catalog.values import select_many, to_path
from classifier.reasons import Reason, ReasonCode
from classifier.records import Action, ImageId

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from classifier.catalog.connection import Catalog

CursorValue = float | int | str


class Order(StrEnum):
    """The order of the queue; the values are those of URLs."""

    CONFIDENCE = "surety"
    """By confidence, the lowest first."""
    CATEGORY = "category"
    """By category, then by confidence."""
    NEWEST = "newest"
    """By run, the last first, then by confidence."""
    RANKING = "learned"
    """By the ranking: what saves most work first; within one category, the lowest confidence first."""
    CLUSTER = "alike"
    """By cluster of similar images, as the ranking has them."""
    PATH = "path"
    """By path in the crawl, so that the images of a folder come together."""


_KEYS: Final = {
    Order.CONFIDENCE: ("d.confidence", "d.picture"),
    Order.CATEGORY: ("d.category", "d.confidence", "d.picture"),
    Order.NEWEST: ("-d.run", "d.confidence", "d.picture"),
}
_INDEX: Final = {
    Order.CONFIDENCE: "decisions_by_surety",
    Order.CATEGORY: "decisions_by_category",
    Order.NEWEST: "decisions_by_run",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFilter:
    """A part of the queue: review or unknown, an order, one category or all, skipped or not."""

    action: Action = Action.REVIEW
    order: Order = Order.CONFIDENCE
    category: str | None = None
    aliases: tuple[str, ...] = ()
    """The stored names of that category, where a person renamed it."""
    skipped: bool = False
    grid: bool = False
    """Whether images of which a category was ruled out are left out, because they are shown one by one."""
    cluster: int | None = None
    """One cluster of the ranking only."""
    folder: bytes | None = None
    """A folder of the crawl, as the catalog keeps paths: only images with a file in it or below it."""
    tagged: frozenset[ImageId] | None = None
    """Only these images: those of a tag."""
    is_small: bool = False
    """Whether the folder or tag has few images, so that each is looked up."""

    @property
    def by_ranking(self) -> bool:
        """Whether it is ordered by the ranking; skipped images keep the order of their decisions."""
        return self.order in {Order.RANKING, Order.CLUSTER} and not self.skipped

    @property
    def by_decision(self) -> Order:
        """The order that needs no ranking and no paths."""
        return self.order if self.order in _KEYS else Order.CONFIDENCE

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns of the order by decision; their values are a cursor."""
        is_one = self.by_decision is Order.CATEGORY and self.category is not None
        return _KEYS[Order.CONFIDENCE if is_one else self.by_decision]

    @property
    def cursor_length(self) -> int:
        """How many values a cursor has: those of `RankedQueue`, of `page_by_path`, or `keys`."""
        return 4 if self.by_ranking else 3 if self.order is Order.PATH else len(self.keys)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueItem:
    """One image of the queue; `path` in the library, `logits` as stored.

    `category` and `confidence` are those of the decision; `best`, `best_confidence`, `cluster` and
    `ranking_logits` those of the ranking: without one, the same, None and None.
    """

    image_id: ImageId
    action: Action
    category: str
    confidence: float
    reason: Reason
    run: int
    path: Path
    width: int
    height: int
    logits: bytes | None
    best: str
    best_confidence: float
    cluster: int | None
    ranking_logits: bytes | None
    cursor: tuple[CursorValue, ...]


ITEM_QUERY: Final = """
SELECT d.picture, d.action, d.category, d.confidence, d.reason_code, d.reason_params, d.run, places.path,
    pictures.width, pictures.height, predictions.logits, coalesce(r.category, d.category),
    coalesce(r.confidence, d.confidence), r.look, r.logits, {keys}
FROM {source}
CROSS JOIN places ON places.picture = d.picture
LEFT JOIN pictures ON pictures.id = d.picture
LEFT JOIN predictions ON predictions.picture = d.picture AND predictions.model = ?
"""
DECISIONS: Final = """decisions AS d {how}
LEFT JOIN outlook.ranks AS r ON r.picture = d.picture AND r.action = d.action"""
IN_FOLDER: Final = "ON d.picture = here.picture"
ANNOTATED_JOIN: Final = "LEFT JOIN temp.annotated ON annotated.picture = d.picture"


def page(
    catalog: Catalog,
    wanted: QueueFilter,
    *,
    model: str,
    after: Sequence[CursorValue] | None,
    limit: int,
    also: str = "1",
) -> list[QueueItem]:
    """The next `limit` items after the cursor `after` (None: from the beginning); `also` is a further condition."""
    keys = wanted.keys
    by = (
        Order.CATEGORY if wanted.category is not None and wanted.by_decision is Order.CONFIDENCE else wanted.by_decision
    )
    of_decision, values = decision_condition(wanted)
    conditions = [of_decision, annotation_condition(wanted), also]
    bounds: list[CursorValue] = []
    if after is not None:
        conditions.append(f"({', '.join(keys)}) > ({', '.join('?' for _ in keys)})")
        bounds = list(after)
    source = _source(wanted, f"INDEXED BY {_INDEX[by]}")
    query = f"{ITEM_QUERY.format(keys=', '.join(keys), source=source)} WHERE {' AND '.join(conditions)}"
    rows = catalog.connection.execute(f"{query} ORDER BY {', '.join(keys)} LIMIT ?", (model, *values, *bounds, limit))
    return [item_from_row(row) for row in rows]


def decision_condition(wanted: QueueFilter) -> tuple[str, list[str]]:
    """The SQL condition on `decisions` for a filter, and its values."""
    # The indexes of waiting images need the first condition.
    condition, values = "d.action IN ('review', 'unknown')", list[str]()
    if not wanted.skipped:  # what was skipped waits together, whether in review or unknown
        condition, values = f"{condition} AND d.action = ?", [wanted.action.value]
    if wanted.category is None:
        return condition, values
    kept = wanted.aliases or (wanted.category,)
    return f"{condition} AND d.category IN ({', '.join('?' for _ in kept)})", [*values, *kept]


def _source(wanted: QueueFilter, how: str) -> str:
    """The joined tables, starting with the smallest; `how` names the index of the order."""
    if wanted.skipped:
        return f"temp.annotated CROSS JOIN {DECISIONS.format(how='ON d.picture = annotated.picture')}"
    decided = (
        f"temp.here CROSS JOIN {DECISIONS.format(how=IN_FOLDER)}" if wanted.is_small else DECISIONS.format(how=how)
    )
    return f"{decided} {ANNOTATED_JOIN}"


def items_of_images(catalog: Catalog, image_ids: Sequence[ImageId], *, model: str) -> list[QueueItem]:
    """The items of these images in the library, filed or waiting, in the same order."""
    source = DECISIONS.format(how="")
    query = f"{ITEM_QUERY.format(keys='d.confidence, d.picture', source=source)} WHERE d.picture IN {{pictures}}"
    rows = map(item_from_row, select_many(catalog, query, image_ids, before=(model,)))
    found = {row.image_id: row for row in rows}
    return [found[image_id] for image_id in image_ids if image_id in found]


def items_of_categories(catalog: Catalog, categories: Sequence[str], *, model: str) -> Iterator[QueueItem]:
    """The items decided or predicted to be of these categories, by their stored names."""
    marks = ", ".join("?" for _ in categories)
    source = DECISIONS.format(how="")
    query = f"{ITEM_QUERY.format(keys='d.confidence, d.picture', source=source)} WHERE d.category IN ({marks})"
    return map(item_from_row, catalog.connection.execute(query, (model, *categories)))


def annotation_condition(wanted: QueueFilter) -> str:
    """The SQL condition on `temp.annotated` and `temp.here` for a filter."""
    inside = (
        "" if wanted.folder is None and wanted.tagged is None else " AND d.picture IN (SELECT picture FROM temp.here)"
    )
    if wanted.skipped:
        return f"annotated.how = 'skipped'{inside}"
    if wanted.grid:
        never = "NOT EXISTS (SELECT 1 FROM temp.ruled_out WHERE ruled_out.picture = d.picture)"
        return f"annotated.how IS NULL AND {never}{inside}"
    return f"(annotated.how IS NULL OR annotated.how = 'wrong'){inside}"


def item_from_row(row: Sequence[object]) -> QueueItem:
    """A row of `ITEM_QUERY` as an item."""
    image_id, action, category, confidence, code, params, run, path, width, height, logits, *learned = row
    best, share, look, better, *key = learned
    return QueueItem(
        image_id=ImageId(str(image_id)),
        action=Action(str(action)),
        category=str(category),
        confidence=float(str(confidence)),
        reason=Reason(ReasonCode(str(code)), str(params)),
        run=int(str(run)),
        path=to_path(path if isinstance(path, bytes) else os.fsencode(str(path))),
        width=int(str(width or 0)),
        height=int(str(height or 0)),
        logits=logits if isinstance(logits, bytes) else None,
        best=str(best),
        best_confidence=float(str(share)),
        cluster=None if look is None else int(str(look)),
        ranking_logits=better if isinstance(better, bytes) else None,
        cursor=tuple(part if isinstance(part, float | int) else str(part) for part in key),
    )
