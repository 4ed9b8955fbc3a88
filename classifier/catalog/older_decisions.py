"""Decisions of a catalog in which an earlier version undid moves: a step of the migrations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from classifier.catalog.category_folders import FLAT
from classifier.records import Action

if TYPE_CHECKING:
    import sqlite3

_LEFT_THERE: Final = "an undo left it there"


# Much the same as `as_placed` in filing/refile, which may change; a step of the migrations may not.
def decide_as_placed(connection: sqlite3.Connection) -> None:
    """Where an earlier version undid moves but not decisions, set decisions from the folders that images are in."""
    if connection.execute("SELECT 1 FROM runs WHERE kind = 'undo'").fetchone() is None:
        return
    rows = connection.execute(
        "SELECT places.picture, path, action, category FROM places "
        "JOIN decisions ON decisions.picture = places.picture WHERE typeof(path) = 'blob'"
    )
    for image_id, path, *decided in rows.fetchall():
        found = FLAT.decision_for(path.rpartition(b"/")[0])
        known = (decided[0], "" if decided[0] == Action.UNKNOWN else decided[1])  # `_unknown` has no best guess
        if found is not None and found != known:
            values = (found[0].value, found[1], _LEFT_THERE, image_id)
            connection.execute("UPDATE decisions SET action = ?, category = ?, reason = ? WHERE picture = ?", values)
