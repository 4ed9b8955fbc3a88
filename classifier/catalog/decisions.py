"""Decisions: the current one of each image, and previous ones, so that undoing a run restores them.

`decided_before` has one row for each decision that a run changed. While the run stands, the row holds the previous
decision; while it is undone, the run's own: undo and redo exchange the two. `save` writes the row in the transaction
that changes the decision. A first decision has no row: undone, the image has no decision.

Previous decisions of moved images are kept as long as the journal. Where only the confidence changed, which may be for
every image, the last two of each are kept.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from classifier.catalog.category_folders import DUPLICATES, REVIEW
from classifier.catalog.values import select_many, to_path
from classifier.reasons import Reason, ReasonCode
from classifier.records import Action, Decision, ImageId

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from classifier.catalog.connection import Catalog

DECIDED: Final = "picture, action, category, confidence, reason_code, reason_params"

_DECISION = "picture, run, action, category, confidence, reason_code, reason_params"

_MAKE_DECIDING = f"CREATE TEMP TABLE IF NOT EXISTS deciding AS SELECT {_DECISION} FROM decisions LIMIT 0"  # noqa: S608

_KEPT = "run, picture, undone, moved, before, action, category, confidence, reason_code, reason_params"

# One statement for all rows: a trigger for each takes three times as long.
_KEEP = f"""
INSERT OR REPLACE INTO decided_before ({_KEPT})
SELECT n.run, d.picture, 0, (d.action, d.category, d.reason_code = 'sure_of_parent')
        IS NOT (n.action, n.category, n.reason_code = 'sure_of_parent'),
    d.run, d.action, d.category, d.confidence, d.reason_code, d.reason_params
FROM temp.deciding AS n CROSS JOIN decisions AS d ON d.picture = n.picture AND d.run != n.run
WHERE (d.action, d.category, d.confidence, d.reason_code, d.reason_params)
    IS NOT (n.action, n.category, n.confidence, n.reason_code, n.reason_params)
"""  # noqa: S608 - built from constants of this module

_SAVE = f"""
INSERT INTO decisions ({_DECISION}) SELECT {_DECISION} FROM temp.deciding WHERE true
ON CONFLICT (picture) DO UPDATE SET run = excluded.run, action = excluded.action, category = excluded.category,
    confidence = excluded.confidence, reason_code = excluded.reason_code, reason_params = excluded.reason_params
WHERE (action, category, confidence, reason_code, reason_params)
    IS NOT (excluded.action, excluded.category, excluded.confidence, excluded.reason_code, excluded.reason_params)
"""  # noqa: S608 - built from constants of this module


_FILED_BEFORE: Final = """
SELECT b.picture, b.action, b.category, b.confidence, b.reason_code, b.reason_params FROM decisions AS d
CROSS JOIN decided_before AS b ON b.run = d.run AND b.picture = d.picture
WHERE d.picture IN {pictures} AND NOT b.undone AND b.action = 'file'
"""


def save(catalog: Catalog, decisions: Iterable[Decision], *, run: int) -> None:
    """Record decisions; each replaces a differing earlier one of the same image, which is kept in `decided_before`."""
    # In the order of the ids each page of the table is written once.
    rows = [_as_row(decision, run) for decision in sorted(decisions, key=attrgetter("image_id"))]
    with catalog.transaction() as connection:
        connection.execute(_MAKE_DECIDING)
        connection.executemany("INSERT INTO temp.deciding VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        for statement in (_KEEP, _SAVE, "DELETE FROM temp.deciding"):
            connection.execute(statement)


def _as_row(decision: Decision, run: int) -> tuple[Any, ...]:
    action, reason = decision.action.value, decision.reason
    return decision.image_id, run, action, decision.category, decision.confidence, reason.code.value, reason.json


def decisions_of(catalog: Catalog, image_ids: Sequence[ImageId]) -> dict[ImageId, Decision]:
    """The current decision of each of `image_ids` that has one."""
    rows = select_many(catalog, f"SELECT {DECIDED} FROM decisions WHERE picture IN {{pictures}}", image_ids)  # noqa: S608
    return {decision.image_id: decision for decision in map(decision_from_row, rows)}


def filed_before(catalog: Catalog, image_ids: Sequence[ImageId]) -> dict[ImageId, Decision]:
    """The decision from before the last one, of each of `image_ids` that was filed by it."""
    rows = select_many(catalog, _FILED_BEFORE, image_ids)
    return {decision.image_id: decision for decision in map(decision_from_row, rows)}


def decision_from_row(row: Sequence[Any]) -> Decision:
    """A row of the columns `DECIDED` as a decision."""
    image_id, action, category, confidence, code, params = row
    return Decision(
        image_id=ImageId(image_id),
        action=Action(action),
        category=category,
        confidence=confidence,
        reason=Reason(ReasonCode(code or ReasonCode.TEXT), params or "{}"),  # a damaged one may have been kept as NULL
    )


def rename_category(catalog: Catalog, category: str, into: str) -> None:
    """Decisions for `category` become decisions for `into` where the image is in that folder, filed or set apart."""
    with catalog.transaction() as connection:
        for folder in (into, *(f"{place}/{into}" for place in (REVIEW, DUPLICATES))):
            connection.execute(
                "UPDATE decisions SET category = ?1 WHERE category = ?2 AND picture IN ("
                "SELECT picture FROM places WHERE path > ?3 AND path < ?4)",
                (into, category, os.fsencode(f"{folder}/"), os.fsencode(f"{folder}0")),  # "0" follows "/"
            )


def has_others(catalog: Catalog, category: str, image_ids: Collection[ImageId]) -> bool:
    """Whether an image that is not among `image_ids` has a decision for `category`."""
    rows = catalog.connection.execute("SELECT picture FROM decisions WHERE category = ?", (category,))
    return not {image_id for (image_id,) in rows} <= set(image_ids)


def count_waiting(catalog: Catalog) -> int:
    """How many images of the library wait for a person."""
    (count,) = catalog.connection.execute(
        "SELECT count(*) FROM decisions AS d CROSS JOIN places ON places.picture = d.picture "
        "WHERE d.action IN ('review', 'unknown')"
    ).fetchone()
    return int(count)


def used_categories(catalog: Catalog) -> list[str]:
    """The categories of all decisions, by name."""
    rows = catalog.connection.execute("SELECT DISTINCT category FROM decisions WHERE category != '' ORDER BY 1")
    return [category for (category,) in rows]


def count_filed(catalog: Catalog) -> int:
    """How many images are filed."""
    (count,) = catalog.connection.execute(
        "SELECT count(*) FROM decisions JOIN places ON places.picture = decisions.picture WHERE action = ?",
        (Action.FILE,),
    ).fetchone()
    return int(count)


def placed_sources(catalog: Catalog) -> Iterator[tuple[Path, str]]:
    """Every filed image: its path in the crawl, and its category."""
    rows = catalog.connection.execute(
        "SELECT places.source, decisions.category FROM places JOIN decisions ON decisions.picture = places.picture "
        "WHERE decisions.action = ? ORDER BY places.source",
        (Action.FILE,),
    )
    return ((to_path(source), category) for source, category in rows)


_KEPT_CHANGES: Final = 2
"""Previous decisions kept of each image that did not move."""

_COLUMNS = "run, action, category, confidence, reason_code, reason_params"

# If a later run decided differently, its decision stays.
_EXCHANGED = """
CREATE TEMP TABLE exchanged AS
SELECT b.picture AS picture, b.before AS run, b.action AS action, b.category AS category,
    b.confidence AS confidence, b.reason_code AS reason_code, b.reason_params AS reason_params
FROM decided_before AS b LEFT JOIN decisions AS d ON d.picture = b.picture
WHERE b.run = :run AND b.undone = :undone AND (d.picture IS NULL OR d.run = :run OR (:undone AND d.run < :run))
"""

_KEEP_EXCHANGED = f"""
INSERT OR REPLACE INTO decided_before ({_KEPT})
SELECT :run, e.picture, NOT :undone, (e.action, e.category) IS NOT (d.action, d.category),
    d.run, d.action, d.category, d.confidence, d.reason_code, d.reason_params
FROM temp.exchanged AS e LEFT JOIN decisions AS d ON d.picture = e.picture
"""  # noqa: S608 - built from constants of this module

_DECIDE = f"""
INSERT OR REPLACE INTO decisions (picture, {_COLUMNS})
SELECT picture, {_COLUMNS} FROM temp.exchanged WHERE action IS NOT NULL
"""  # noqa: S608 - built from constants of this module

_UNDECIDE = """
DELETE FROM decisions WHERE picture IN (SELECT picture FROM temp.exchanged WHERE action IS NULL)
"""

_PLACELESS = "NOT EXISTS (SELECT 1 FROM places WHERE places.picture = decisions.picture)"

_KEEP_PLACELESS = f"""
INSERT OR IGNORE INTO decided_before ({_KEPT})
SELECT :run, picture, 1, 1, {_COLUMNS} FROM decisions WHERE {_PLACELESS}
"""  # noqa: S608

_PLACED = """
SELECT places.path, places.picture, d.action, d.category, d.confidence, d.reason_code, d.reason_params
FROM places LEFT JOIN decisions AS d ON d.picture = places.picture
WHERE d.picture IS NULL OR d.run = :run OR d.picture IN (SELECT picture FROM temp.exchanged)
   OR d.picture IN (SELECT picture FROM moves WHERE run = :undo AND state = 'done')
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedImage:
    """An image of the library with its folder and its decision, if any."""

    image_id: ImageId
    folder: Path
    decision: Decision | None


def exchange_previous(catalog: Catalog, *, run: int, undone: bool) -> None:
    """Restore the decisions before `run`, or those of `run` itself if it is `undone`.

    Images that are not in the library lose their decision. The caller holds the transaction.
    """
    ask, values = catalog.connection.execute, {"run": run, "undone": undone}
    ask("DROP TABLE IF EXISTS temp.exchanged")
    for statement in (_EXCHANGED, _KEEP_EXCHANGED):
        ask(statement, values)
    for statement in (_DECIDE, _UNDECIDE):
        ask(statement)
    ask(_KEEP_PLACELESS, values)
    ask(f"DELETE FROM decisions WHERE {_PLACELESS}")  # noqa: S608 - a constant of this module


def affected_images(catalog: Catalog, *, run: int, undo: int) -> Iterator[PlacedImage]:
    """The images in the library that the last exchange or the run `undo` changed, and those without a decision."""
    values = {"run": run, "undo": undo}
    for path, *row in catalog.connection.execute(_PLACED, values):
        image_id, action, *_ = row
        decision = None if action is None else decision_from_row(row)
        yield PlacedImage(image_id=ImageId(image_id), folder=to_path(path).parent, decision=decision)


def decide_as_placed(catalog: Catalog, decisions: Iterable[Decision], *, run: int) -> None:
    """Record decisions that follow from where images are; the caller holds the transaction."""
    catalog.connection.executemany(
        f"INSERT OR REPLACE INTO decisions ({_DECISION}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
        [_as_row(one, run) for one in decisions],
    )


def count_with_reason(catalog: Catalog, code: ReasonCode) -> int:
    """How many images of the library have a decision for this reason."""
    (count,) = catalog.connection.execute(
        "SELECT count(*) FROM decisions JOIN places ON places.picture = decisions.picture WHERE reason_code = ?",
        (code.value,),
    ).fetchone()
    return int(count)


def prune_previous(catalog: Catalog) -> None:
    """Delete the oldest changes that moved no image, so that there are at most two for each decision."""
    connection = catalog.connection
    (decided,) = connection.execute("SELECT count(*) FROM decisions").fetchone()
    counts = connection.execute(
        "SELECT run, count(*) FROM decided_before WHERE NOT moved GROUP BY run ORDER BY run DESC"
    ).fetchall()
    left = _KEPT_CHANGES * decided
    for run, count in counts:
        left -= count
        if left < 0:
            with catalog.transaction():
                connection.execute("DELETE FROM decided_before WHERE run <= ? AND NOT moved", (run,))
            return
