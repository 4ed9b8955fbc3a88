"""How the catalog's tables came to be: small steps, each recorded by name; must not know what the rows mean.

A step never changes once it was released: a new one follows it.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from typing import TYPE_CHECKING

from classifier.catalog.clock import now
from classifier.catalog.library_change_tables import DISK_CHANGES
from classifier.catalog.previous_decision_tables import m014_decided_before, m015_decided_before_at_once
from classifier.errors import LibraryError

if TYPE_CHECKING:
    from collections.abc import Callable


def m001_first_tables(connection: sqlite3.Connection) -> None:
    """Runs, pictures, files, predictions, decisions, and the journal of moves.

    Paths are bytes of `os.fsencode`; inode and device are text, for they can pass 63 bits on Windows.
    """
    for statement in _FIRST_TABLES:
        connection.execute(statement)


def m002_undo_and_sidecars(connection: sqlite3.Connection) -> None:
    """Which change a change takes back, and which run a run; the files that lie beside pictures."""
    for statement in _UNDO_AND_SIDECARS:
        connection.execute(statement)


def m003_audits(connection: sqlite3.Connection) -> None:
    """Random samples of what was filed, and what persons said about pictures."""
    for statement in _AUDITS:
        connection.execute(statement)


def m004_novelty(connection: sqlite3.Connection) -> None:
    """How unlike every labelled picture one is, beside what the same model says of it; NULL when nothing can tell."""
    connection.execute("ALTER TABLE predictions ADD COLUMN novelty REAL")


def m005_embeddings(connection: sqlite3.Connection) -> None:
    """Where the embedding of each picture lies, by the backbone that made it: files of rows beside the catalog."""
    for statement in _EMBEDDINGS:
        connection.execute(statement)


def m006_review_queue(connection: sqlite3.Connection) -> None:
    """The orders in which what waits for a person is shown, so that no page of them sorts the whole library."""
    for statement in _REVIEW_QUEUE:
        connection.execute(statement)


def m007_queue_of_what_waits(connection: sqlite3.Connection) -> None:
    """The same orders over what waits alone: of what is filed, nobody asks in order, and every decision was in four."""
    for statement in _QUEUE_OF_WHAT_WAITS:
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
    for statement in _ANSWERS_BY_MODEL:
        connection.execute(statement)


def m010_review_steps(connection: sqlite3.Connection) -> None:
    """The steps of the review page, by number: those made before this are numbered in the order of their verdicts.

    A step of an older catalog is what was recorded at one time of the clock. One that renamed a category of which
    nothing was said has no verdict: it follows the verdicts that are not younger.
    """
    for statement in _REVIEW_STEPS:
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
            connection.execute("INSERT INTO migrations VALUES (?, ?)", (step.__name__, now()))
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.OperationalError):  # after some errors of the disk SQLite has rolled back by itself
            connection.execute("ROLLBACK")
        raise


_FIRST_TABLES = (
    """CREATE TABLE runs (
        id INTEGER PRIMARY KEY, kind TEXT NOT NULL, crawl BLOB, mode TEXT, model TEXT, bundle BLOB, settings TEXT,
        started TEXT, finished TEXT, state TEXT, summary TEXT)""",
    """CREATE TABLE pictures (
        id TEXT PRIMARY KEY, size_bytes INTEGER NOT NULL, width INTEGER, height INTEGER, truncated INTEGER)
        WITHOUT ROWID""",
    "CREATE INDEX pictures_by_size ON pictures (size_bytes)",
    """CREATE TABLE files (
        path BLOB PRIMARY KEY, crawl BLOB, size_bytes INTEGER, mtime_ns INTEGER, inode TEXT, device TEXT,
        picture TEXT, failure_kind TEXT, failure_detail TEXT, seen INTEGER)""",
    "CREATE INDEX files_by_crawl ON files (crawl, seen)",
    "CREATE INDEX files_by_picture ON files (picture)",
    """CREATE TABLE predictions (
        picture TEXT, model TEXT, logits BLOB NOT NULL, PRIMARY KEY (picture, model)) WITHOUT ROWID""",
    """CREATE TABLE decisions (
        picture TEXT PRIMARY KEY, run INTEGER, action TEXT, category TEXT, confidence REAL, reason TEXT)
        WITHOUT ROWID""",
    "CREATE INDEX decisions_by_action ON decisions (action, category)",
    """CREATE TABLE moves (
        id INTEGER PRIMARY KEY, run INTEGER NOT NULL, picture TEXT NOT NULL, method TEXT NOT NULL,
        source BLOB NOT NULL, target BLOB, temporary BLOB, state TEXT NOT NULL, size_bytes INTEGER, mtime_ns INTEGER,
        inode TEXT, device TEXT, permissions INTEGER, note TEXT, at TEXT NOT NULL)""",
    # Few rows are ever open, and recovery asks for them at every start.
    "CREATE INDEX moves_open ON moves (state) WHERE state IN ('intent', 'claimed')",
    "CREATE INDEX moves_by_run ON moves (run, state)",
    """CREATE TABLE places (
        picture TEXT PRIMARY KEY, path BLOB NOT NULL UNIQUE, method TEXT, source BLOB, size_bytes INTEGER,
        mtime_ns INTEGER, inode TEXT, device TEXT) WITHOUT ROWID""",
    # Folders that a run made, so that undo removes those and no others.
    "CREATE TABLE folders (path BLOB PRIMARY KEY, run INTEGER NOT NULL) WITHOUT ROWID",
    # Listings that we wrote, known again by their content, so that no other file is replaced; two while one is written.
    "CREATE TABLE listings (name TEXT, sha256 TEXT, PRIMARY KEY (name, sha256)) WITHOUT ROWID",
)

_UNDO_AND_SIDECARS = (
    "ALTER TABLE moves ADD COLUMN undoes INTEGER",
    "ALTER TABLE moves ADD COLUMN beside TEXT",
    "CREATE INDEX moves_by_undone ON moves (undoes) WHERE undoes IS NOT NULL",
    "ALTER TABLE runs ADD COLUMN undoes INTEGER",
    # By path, for sidecars of different pictures are often equal; `picture` is the content's hash as in places.
    """CREATE TABLE sidecars (
        path BLOB PRIMARY KEY, beside TEXT NOT NULL, picture TEXT NOT NULL, method TEXT, source BLOB,
        size_bytes INTEGER, mtime_ns INTEGER, inode TEXT, device TEXT) WITHOUT ROWID""",
    "CREATE INDEX sidecars_by_picture ON sidecars (beside)",
    "CREATE INDEX sidecars_by_source ON sidecars (source)",
)

_AUDITS = (
    # `filed` (pictures by category), `steps` (threshold, pictures kept) and the marks are as they were at the draw.
    """CREATE TABLE audits (
        id INTEGER PRIMARY KEY, at TEXT NOT NULL, seed INTEGER NOT NULL, simple INTEGER NOT NULL, filed TEXT NOT NULL,
        steps TEXT NOT NULL, last_move INTEGER NOT NULL, last_decided INTEGER NOT NULL, run INTEGER, threshold REAL)""",
    """CREATE TABLE drawn (
        audit INTEGER NOT NULL, position INTEGER NOT NULL, picture TEXT NOT NULL, category TEXT NOT NULL,
        confidence REAL NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (audit, position)) WITHOUT ROWID""",
    """CREATE TABLE verdicts (
        id INTEGER PRIMARY KEY, picture TEXT NOT NULL, said TEXT NOT NULL, category TEXT, origin TEXT NOT NULL,
        audit INTEGER, at TEXT NOT NULL)""",
    "CREATE INDEX verdicts_by_picture ON verdicts (picture)",
    "CREATE INDEX verdicts_by_audit ON verdicts (audit)",
)

_EMBEDDINGS = (
    """CREATE TABLE embeddings (
        backbone TEXT, shard INTEGER, row INTEGER, picture TEXT NOT NULL, PRIMARY KEY (backbone, shard, row))
        WITHOUT ROWID""",
    "CREATE UNIQUE INDEX embeddings_by_picture ON embeddings (picture, backbone)",
)

_REVIEW_QUEUE = (
    "CREATE INDEX decisions_by_surety ON decisions (action, confidence)",
    "CREATE INDEX decisions_by_category ON decisions (action, category, confidence)",
    # The last run first, and within it the least sure: one direction for all three, so that a page can go on anywhere.
    "CREATE INDEX decisions_by_run ON decisions (action, (-run), confidence)",
    "CREATE INDEX verdicts_by_origin ON verdicts (origin)",
)

_WAITS = "WHERE action IN ('review', 'unknown')"
_QUEUE_OF_WHAT_WAITS = (
    *(f"DROP INDEX decisions_by_{order}" for order in ("action", "surety", "category", "run")),
    f"CREATE INDEX decisions_by_surety ON decisions (action, confidence) {_WAITS}",
    f"CREATE INDEX decisions_by_category ON decisions (action, category, confidence) {_WAITS}",
    f"CREATE INDEX decisions_by_run ON decisions (action, (-run), confidence) {_WAITS}",
)

_ANSWERS_BY_MODEL = (
    """CREATE TABLE answers (
        model TEXT, picture TEXT, logits BLOB NOT NULL, novelty REAL, PRIMARY KEY (model, picture)) WITHOUT ROWID""",
    "INSERT INTO answers SELECT model, picture, logits, novelty FROM predictions ORDER BY model, picture",
    "DROP TABLE predictions",
    "ALTER TABLE answers RENAME TO predictions",
    "ALTER TABLE runs ADD COLUMN backbone TEXT",
)

_REVIEW_STEPS = (
    "CREATE TABLE steps (id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL)",
    "ALTER TABLE verdicts ADD COLUMN step INTEGER",
    "ALTER TABLE categories ADD COLUMN step INTEGER",
    """INSERT INTO steps (at) SELECT at FROM (
        SELECT at, min(id) AS place FROM verdicts WHERE origin = 'review' AND said != 'taken back' GROUP BY at
        UNION ALL
        SELECT DISTINCT at, coalesce((SELECT max(id) FROM verdicts WHERE verdicts.at < named.at), 0) + 0.5
        FROM categories AS named WHERE name != became
        AND at NOT IN (SELECT at FROM verdicts WHERE origin = 'review' AND said != 'taken back')
    ) ORDER BY place, at""",
    "CREATE UNIQUE INDEX steps_by_time ON steps (at)",
    """UPDATE verdicts SET step = (SELECT steps.id FROM steps WHERE steps.at = verdicts.at)
    WHERE origin = 'review' AND said != 'taken back'""",
    """UPDATE categories SET step = (SELECT steps.id FROM steps WHERE steps.at = categories.at)
    WHERE at IN (SELECT at FROM categories WHERE name != became)""",
    "DROP INDEX steps_by_time",
)
