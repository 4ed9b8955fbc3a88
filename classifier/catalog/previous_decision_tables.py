"""The table of what was decided before a run; part of the migrations, so it never changes once released."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from classifier.catalog.manual_moves import decision_of
from classifier.records import Action

if TYPE_CHECKING:
    import sqlite3

_DECIDED_BEFORE: Final = (
    # `before` is the run of the decision in this row, which has no action where nothing was decided.
    """CREATE TABLE decided_before (
        run INTEGER, picture TEXT, undone INTEGER NOT NULL, moved INTEGER NOT NULL, before INTEGER, action TEXT,
        category TEXT, confidence REAL, reason TEXT, PRIMARY KEY (run, picture)) WITHOUT ROWID""",
    """CREATE TRIGGER decided_otherwise AFTER UPDATE OF run ON decisions WHEN NEW.run != OLD.run BEGIN
        INSERT OR REPLACE INTO decided_before VALUES (NEW.run, OLD.picture, 0,
            (OLD.action, OLD.category) IS NOT (NEW.action, NEW.category),
            OLD.run, OLD.action, OLD.category, OLD.confidence, OLD.reason);
    END""",
    "DELETE FROM decisions WHERE NOT EXISTS (SELECT 1 FROM places WHERE places.picture = decisions.picture)",
)

LEFT_THERE: Final = "an undo left it there"


def m014_decided_before(connection: sqlite3.Connection) -> None:
    """What was decided before a run; what an undo of an earlier version left is decided as it lies, or not at all."""
    for statement in _DECIDED_BEFORE:
        connection.execute(statement)
    _decide_as_placed(connection)


def m015_decided_before_at_once(connection: sqlite3.Connection) -> None:
    """What was decided before is kept by one statement for many pictures, no longer by a trigger for each."""
    connection.execute("DROP TRIGGER decided_otherwise")


# Much the same as `as_placed` in filing/restore_decisions, which may change; a step of the migrations may not.
def _decide_as_placed(connection: sqlite3.Connection) -> None:
    """Earlier versions undid moves and not decisions: where a run was undone, what lies in a folder is decided so."""
    if connection.execute("SELECT 1 FROM runs WHERE kind = 'undo'").fetchone() is None:
        return
    rows = connection.execute(
        "SELECT places.picture, path, action, category FROM places "
        "JOIN decisions ON decisions.picture = places.picture WHERE typeof(path) = 'blob'"
    )
    for picture, path, *decided in rows.fetchall():
        found = decision_of(path.rpartition(b"/")[0])
        known = (decided[0], "" if decided[0] == Action.UNKNOWN else decided[1])  # `_unknown` has no best guess
        if found is not None and found != known:
            values = (found[0].value, found[1], LEFT_THERE, picture)
            connection.execute("UPDATE decisions SET action = ?, category = ?, reason = ? WHERE picture = ?", values)
