"""The table of what was decided before a run; part of the migrations, so it never changes once released."""

from __future__ import annotations

from typing import Final

DECIDED_BEFORE: Final = (
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
