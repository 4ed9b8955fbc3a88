"""How the catalog's tables came to be: small steps, each recorded by name; must not know what the rows mean.

A step never changes once it was released: a new one follows it.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from classifier.catalog.manual_moves import decision_for_folder
from classifier.catalog.tables import (
    ANSWERS_BY_MODEL,
    AUDITS,
    DECIDED_BEFORE,
    DISK_CHANGES,
    EMBEDDINGS,
    FIRST_TABLES,
    QUEUE_OF_WHAT_WAITS,
    REVIEW_QUEUE,
    REVIEW_STEPS,
    UNDO_AND_SIDECARS,
)
from classifier.catalog.values import utc_now
from classifier.errors import LibraryError
from classifier.records import Action

if TYPE_CHECKING:
    from collections.abc import Callable

LEFT_THERE: Final = "an undo left it there"


def m001_first_tables(connection: sqlite3.Connection) -> None:
    """Runs, pictures, files, predictions, decisions, and the journal of moves.

    Paths are bytes of `os.fsencode`; inode and device are text, for they can pass 63 bits on Windows.
    """
    for statement in FIRST_TABLES:
        connection.execute(statement)


def m002_undo_and_sidecars(connection: sqlite3.Connection) -> None:
    """Which change a change takes back, and which run a run; the files that lie beside pictures."""
    for statement in UNDO_AND_SIDECARS:
        connection.execute(statement)


def m003_audits(connection: sqlite3.Connection) -> None:
    """Random samples of what was filed, and what persons said about pictures."""
    for statement in AUDITS:
        connection.execute(statement)


def m004_novelty(connection: sqlite3.Connection) -> None:
    """How unlike every labelled picture one is, beside what the same model says of it; NULL when nothing can tell."""
    connection.execute("ALTER TABLE predictions ADD COLUMN novelty REAL")


def m005_embeddings(connection: sqlite3.Connection) -> None:
    """Where the embedding of each picture lies, by the backbone that made it: files of rows beside the catalog."""
    for statement in EMBEDDINGS:
        connection.execute(statement)


def m006_review_queue(connection: sqlite3.Connection) -> None:
    """The orders in which what waits for a person is shown, so that no page of them sorts the whole library."""
    for statement in REVIEW_QUEUE:
        connection.execute(statement)


def m007_queue_of_what_waits(connection: sqlite3.Connection) -> None:
    """The same orders over what waits alone: of what is filed, nobody asks in order, and every decision was in four."""
    for statement in QUEUE_OF_WHAT_WAITS:
        connection.execute(statement)


def m008_categories(connection: sqlite3.Connection) -> None:
    """What a person calls categories: a row for each that was made or renamed."""
    connection.execute(
        "CREATE TABLE categories (id INTEGER PRIMARY KEY, name TEXT NOT NULL, became TEXT NOT NULL, at TEXT NOT NULL)"
    )


def m009_answers_by_model(connection: sqlite3.Connection) -> None:
    """What one model says lies together, so that a new head's answers are added in one place, and old ones leave so.

    A run tells the backbone of its model: by that, what a model said can be said again.
    """
    for statement in ANSWERS_BY_MODEL:
        connection.execute(statement)


def m010_review_steps(connection: sqlite3.Connection) -> None:
    """The steps of the review page, by number: those made before this are numbered in the order of their verdicts.

    A step of an older catalog is what was recorded at one time of the clock. One that renamed a category of which
    nothing was said has no verdict: it follows the verdicts that are not younger.
    """
    for statement in REVIEW_STEPS:
        connection.execute(statement)


def m011_selection(connection: sqlite3.Connection) -> None:
    """How a picture was selected to be judged, beside what was said of it; NULL in verdicts of earlier versions."""
    connection.execute("ALTER TABLE verdicts ADD COLUMN selection TEXT")


def m012_checksums_of_moves(connection: sqlite3.Connection) -> None:
    """A checksum of each row of the journal, so that a damaged one is not carried out; NULL in rows made before."""
    connection.execute("ALTER TABLE moves ADD COLUMN checksum TEXT")


def m013_disk_changes(connection: sqlite3.Connection) -> None:
    """What a person deleted from the library, replaced or moved there; a decision leaves with its place."""
    for statement in DISK_CHANGES:
        connection.execute(statement)


def m014_decided_before(connection: sqlite3.Connection) -> None:
    """What was decided before a run; what an undo of an earlier version left is decided as it lies, or not at all."""
    for statement in DECIDED_BEFORE:
        connection.execute(statement)
    _decide_as_placed(connection)


def m015_decided_before_at_once(connection: sqlite3.Connection) -> None:
    """What was decided before is kept by one statement for many pictures, no longer by a trigger for each."""
    connection.execute("DROP TRIGGER decided_otherwise")


# Much the same as `as_placed` in filing/decide_by_location, which may change; a step of the migrations may not.
def _decide_as_placed(connection: sqlite3.Connection) -> None:
    """Earlier versions undid moves and not decisions: where a run was undone, what lies in a folder is decided so."""
    if connection.execute("SELECT 1 FROM runs WHERE kind = 'undo'").fetchone() is None:
        return
    rows = connection.execute(
        "SELECT places.picture, path, action, category FROM places "
        "JOIN decisions ON decisions.picture = places.picture WHERE typeof(path) = 'blob'"
    )
    for picture, path, *decided in rows.fetchall():
        found = decision_for_folder(path.rpartition(b"/")[0])
        known = (decided[0], "" if decided[0] == Action.UNKNOWN else decided[1])  # `_unknown` has no best guess
        if found is not None and found != known:
            values = (found[0].value, found[1], LEFT_THERE, picture)
            connection.execute("UPDATE decisions SET action = ?, category = ?, reason = ? WHERE picture = ?", values)


STEPS: tuple[Callable[[sqlite3.Connection], None], ...] = (
    m001_first_tables,
    m002_undo_and_sidecars,
    m003_audits,
    m004_novelty,
    m005_embeddings,
    m006_review_queue,
    m007_queue_of_what_waits,
    m008_categories,
    m009_answers_by_model,
    m010_review_steps,
    m011_selection,
    m012_checksums_of_moves,
    m013_disk_changes,
    m014_decided_before,
    m015_decided_before_at_once,
)


def pending(connection: sqlite3.Connection) -> list[Callable[[sqlite3.Connection], None]]:
    """The steps that a catalog still lacks; raises LibraryError when it has steps that this program does not know."""
    known = connection.execute("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'migrations'").fetchone()
    done = {name for (name,) in connection.execute("SELECT name FROM migrations")} if known else set()
    newer = sorted(str(name) for name in done - {step.__name__ for step in STEPS})
    if newer:
        raise LibraryError(f"the catalog was made by a newer illsort (it has {', '.join(newer)}): update illsort")
    return [step for step in STEPS if step.__name__ not in done]


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the catalog up to date, each step in one transaction with its record."""
    if not pending(connection):
        return
    connection.execute("CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, applied TEXT) WITHOUT ROWID")
    for step in pending(connection):
        _apply(connection, step)


def _apply(connection: sqlite3.Connection, step: Callable[[sqlite3.Connection], None]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have applied it while this one waited for the lock.
        if step in pending(connection):
            step(connection)
            connection.execute("INSERT INTO migrations VALUES (?, ?)", (step.__name__, utc_now()))
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.OperationalError):  # after some errors of the disk SQLite has rolled back by itself
            connection.execute("ROLLBACK")
        raise
