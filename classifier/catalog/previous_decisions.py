"""What was decided of a picture before a run decided otherwise, so that undoing the run brings it back.

One row for each decision that a run changed. While the run stands, it holds the decision of before; while the run is
undone, the run's own: undoing and redoing exchange the two. `decisions.save` writes the row, in the transaction that
changes the decision. A first decision has no row: undone, the picture is undecided again.

What moved a picture is kept as long as the journal of moves. Of what only another model is surer or less sure, which
may be every picture, the last two changes of each are kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from classifier.catalog.moves import to_path
from classifier.records import Action, Decision, PictureId

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from classifier.catalog.connection import Catalog

NOT_MOVED: Final = "it could not be moved where it belongs"
_KEPT: Final = 2
"""Changes kept of each picture where it did not move."""

_DECISION = "run, action, category, confidence, reason"
# Of a picture that a later run decided otherwise, the later decision stands.
_EXCHANGED = """
CREATE TEMP TABLE exchanged AS
SELECT b.picture AS picture, b.before AS run, b.action AS action, b.category AS category,
    b.confidence AS confidence, b.reason AS reason
FROM decided_before AS b LEFT JOIN decisions AS d ON d.picture = b.picture
WHERE b.run = :run AND b.undone = :undone AND (d.picture IS NULL OR d.run = :run OR (:undone AND d.run < :run))
"""
_KEEP = """
INSERT OR REPLACE INTO decided_before (run, picture, undone, moved, before, action, category, confidence, reason)
SELECT :run, e.picture, NOT :undone, (e.action, e.category) IS NOT (d.action, d.category),
    d.run, d.action, d.category, d.confidence, d.reason
FROM temp.exchanged AS e LEFT JOIN decisions AS d ON d.picture = e.picture
"""
_DECIDE = f"""
INSERT OR REPLACE INTO decisions (picture, {_DECISION})
SELECT picture, {_DECISION} FROM temp.exchanged WHERE action IS NOT NULL
"""  # noqa: S608 - built from constants of this module
_UNDECIDE = """
DELETE FROM decisions WHERE picture IN (SELECT picture FROM temp.exchanged WHERE action IS NULL)
"""
_PLACELESS = "NOT EXISTS (SELECT 1 FROM places WHERE places.picture = decisions.picture)"
_KEEP_PLACELESS = f"""
INSERT OR IGNORE INTO decided_before (run, picture, undone, moved, before, action, category, confidence, reason)
SELECT :run, picture, 1, 1, {_DECISION} FROM decisions WHERE {_PLACELESS}
"""  # noqa: S608
_PLACED = """
SELECT places.picture, places.path, d.run, d.action, d.category, d.confidence, d.reason
FROM places LEFT JOIN decisions AS d ON d.picture = places.picture
WHERE d.picture IS NULL OR d.run = :run OR d.picture IN (SELECT picture FROM temp.exchanged)
   OR d.picture IN (SELECT picture FROM moves WHERE run = :undo AND state = 'done')
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A picture of the library with the folder it lies in, and what is decided of it, None when nothing is."""

    picture: PictureId
    folder: Path
    decision: Decision | None


def exchange(catalog: Catalog, *, run: int, undone: bool) -> None:
    """Have what was decided before `run` hold again, or what `run` decided when it is `undone`.

    Nothing is decided then of a picture that is not in the library. The caller holds the transaction.
    """
    ask, values = catalog.connection.execute, {"run": run, "undone": undone}
    ask("DROP TABLE IF EXISTS temp.exchanged")
    for statement in (_EXCHANGED, _KEEP):
        ask(statement, values)
    for statement in (_DECIDE, _UNDECIDE):
        ask(statement)
    ask(_KEEP_PLACELESS, values)
    ask(f"DELETE FROM decisions WHERE {_PLACELESS}")  # noqa: S608 - a constant of this module


def concerned(catalog: Catalog, *, run: int, undo: int) -> Iterator[Placed]:
    """The pictures in the library that the last `exchange` or the run `undo` changed, and those without a decision."""
    values = {"run": run, "undo": undo}
    for picture, path, _, action, category, confidence, reason in catalog.connection.execute(_PLACED, values):
        known = PictureId(picture)
        decision = None
        if action is not None:
            decision = Decision(
                picture=known, action=Action(action), category=category, confidence=confidence, reason=reason
            )
        yield Placed(picture=known, folder=to_path(path).parent, decision=decision)


def decide_as_placed(catalog: Catalog, decisions: Iterable[Decision], *, run: int) -> None:
    """Record decisions that follow from where pictures lie; the caller holds the transaction."""
    catalog.connection.executemany(
        f"INSERT OR REPLACE INTO decisions (picture, {_DECISION}) VALUES (?, ?, ?, ?, ?, ?)",  # noqa: S608
        [(one.picture, run, one.action.value, one.category, one.confidence, one.reason) for one in decisions],
    )


def count_not_moved(catalog: Catalog) -> int:
    """How many pictures of the library could not be moved where they belong, and count where they lie."""
    (count,) = catalog.connection.execute(
        "SELECT count(*) FROM decisions JOIN places ON places.picture = decisions.picture WHERE reason = ?",
        (NOT_MOVED,),
    ).fetchone()
    return int(count)


def forget_old(catalog: Catalog) -> None:
    """Forget the oldest changes that moved no picture, so that there are at most two for each decision."""
    connection = catalog.connection
    (decided,) = connection.execute("SELECT count(*) FROM decisions").fetchone()
    counts = connection.execute(
        "SELECT run, count(*) FROM decided_before WHERE NOT moved GROUP BY run ORDER BY run DESC"
    ).fetchall()
    left = _KEPT * decided
    for run, count in counts:
        left -= count
        if left < 0:
            with catalog.transaction():
                connection.execute("DELETE FROM decided_before WHERE run <= ? AND NOT moved", (run,))
            return
