"""The migrations of the catalog: small steps, each recorded by name.

A step never changes once it is released: a new one follows it.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from typing import TYPE_CHECKING

from classifier.catalog.older_decisions import decide_as_placed
from classifier.catalog.older_sentences import add_failure_function, add_reason_functions
from classifier.catalog.tables import (
    ANSWERS_BY_MODEL,
    AUDITS,
    DECIDED_BEFORE,
    DISK_CHANGES,
    EMBEDDINGS,
    FIRST_TABLES,
    QUEUE_OF_WHAT_WAITS,
    REASON_CODES,
    REVIEW_QUEUE,
    REVIEW_STEPS,
    UNDO_AND_SIDECARS,
)
from classifier.catalog.values import utc_now
from classifier.errors import LibraryError

if TYPE_CHECKING:
    from collections.abc import Callable


def m001_first_tables(connection: sqlite3.Connection) -> None:
    """Runs, images, files, predictions, decisions, and the journal of moves.

    Paths are bytes of `os.fsencode`; inode and device are text, for they can pass 63 bits on Windows.
    """
    for statement in FIRST_TABLES:
        connection.execute(statement)


def m002_undo_and_sidecars(connection: sqlite3.Connection) -> None:
    """Which change another change undoes, and which run a run undoes; sidecar files."""
    for statement in UNDO_AND_SIDECARS:
        connection.execute(statement)


def m003_audits(connection: sqlite3.Connection) -> None:
    """Random samples of what was filed, and annotations."""
    for statement in AUDITS:
        connection.execute(statement)


def m004_novelty(connection: sqlite3.Connection) -> None:
    """The OOD score beside the logits of the same model; NULL when the model has no OOD detector."""
    connection.execute("ALTER TABLE predictions ADD COLUMN novelty REAL")


def m005_embeddings(connection: sqlite3.Connection) -> None:
    """Where the embedding of each image is stored, by backbone: shards beside the catalog."""
    for statement in EMBEDDINGS:
        connection.execute(statement)


def m006_review_queue(connection: sqlite3.Connection) -> None:
    """Indexes for the orders of the review queue, so that no page sorts the whole library."""
    for statement in REVIEW_QUEUE:
        connection.execute(statement)


def m007_queue_of_what_waits(connection: sqlite3.Connection) -> None:
    """Partial indexes instead: only what is in review or unknown is listed in these orders."""
    for statement in QUEUE_OF_WHAT_WAITS:
        connection.execute(statement)


def m008_categories(connection: sqlite3.Connection) -> None:
    """Categories that a person created or renamed, one row for each."""
    connection.execute(
        "CREATE TABLE categories (id INTEGER PRIMARY KEY, name TEXT NOT NULL, became TEXT NOT NULL, at TEXT NOT NULL)"
    )


def m009_answers_by_model(connection: sqlite3.Connection) -> None:
    """Predictions clustered by model, so that those of a new head are written, and old ones deleted, in one place.

    A run records the backbone of its model, from whose embeddings predictions can be computed again.
    """
    for statement in ANSWERS_BY_MODEL:
        connection.execute(statement)


def m010_review_steps(connection: sqlite3.Connection) -> None:
    """Numbered steps of the review page: existing ones are numbered in the order of their annotations.

    A step of an older catalog is what was recorded at one time. One that renamed a category without annotations
    follows the annotations that are not later.
    """
    for statement in REVIEW_STEPS:
        connection.execute(statement)


def m011_selection(connection: sqlite3.Connection) -> None:
    """How an image was selected for annotation; NULL in annotations of earlier versions."""
    connection.execute("ALTER TABLE verdicts ADD COLUMN selection TEXT")


def m012_checksums_of_moves(connection: sqlite3.Connection) -> None:
    """A checksum for each row of the journal, so that a damaged one is not executed; NULL in earlier rows."""
    connection.execute("ALTER TABLE moves ADD COLUMN checksum TEXT")


def m013_disk_changes(connection: sqlite3.Connection) -> None:
    """What a person deleted, replaced or moved in the library; a decision leaves with its place."""
    for statement in DISK_CHANGES:
        connection.execute(statement)


def m014_decided_before(connection: sqlite3.Connection) -> None:
    """Previous decisions; after an undo by an earlier version, decisions are set from where images are."""
    for statement in DECIDED_BEFORE:
        connection.execute(statement)
    decide_as_placed(connection)


def m015_decided_before_at_once(connection: sqlite3.Connection) -> None:
    """Previous decisions are written by one statement for many images, no longer by a trigger for each."""
    connection.execute("DROP TRIGGER decided_otherwise")


def m016_reason_codes(connection: sqlite3.Connection) -> None:
    """The reason of a decision is a code with parameters, no longer a sentence; an annotation among them has its id."""
    add_reason_functions(connection)
    for statement in REASON_CODES:
        connection.execute(statement)


def m017_failure_codes(connection: sqlite3.Connection) -> None:
    """Why a file cannot be read is a code with parameters, no longer a sentence."""
    add_failure_function(connection)
    connection.execute(
        "UPDATE files SET failure_detail = failure_reason(CAST(failure_detail AS BLOB)) "
        "WHERE failure_detail IS NOT NULL"
    )


def m018_missing_by_path(connection: sqlite3.Connection) -> None:
    """An index of what is missing by its path: without it, recording many deleted files reads all rows for each."""
    connection.execute("CREATE INDEX IF NOT EXISTS missing_by_path ON missing (path)")


def m019_settled_moves(connection: sqlite3.Connection) -> None:
    """What became of a move by hand, NULL until a person is asked; files put in that are to be no labels."""
    connection.execute("ALTER TABLE hand_moves ADD COLUMN settled TEXT")
    connection.execute("CREATE TABLE no_labels (path BLOB PRIMARY KEY) WITHOUT ROWID")


def m020_files_that_are_no_labels(connection: sqlite3.Connection) -> None:
    """Files that are to be no labels are known by size and time as well: another one at their path may be."""
    connection.execute("DROP TABLE no_labels")
    connection.execute(
        "CREATE TABLE no_labels (path BLOB PRIMARY KEY, size_bytes INTEGER, mtime_ns INTEGER) WITHOUT ROWID"
    )


def m021_tag_files(connection: sqlite3.Connection) -> None:
    """Files with tags that illsort wrote beside images, known by their hashes; two while one is written.

    An empty hash is that of a temporary file, which is recorded before it is made.
    """
    connection.execute("CREATE TABLE tag_files (path BLOB, sha256 TEXT, PRIMARY KEY (path, sha256)) WITHOUT ROWID")


def m022_audits_until(connection: sqlite3.Connection) -> None:
    """The error rate until which an audit goes on; NULL where a number of images is judged."""
    connection.execute("ALTER TABLE audits ADD COLUMN until REAL")


def m023_copies(connection: sqlite3.Connection) -> None:
    """The groups of copies, each by its first image, the best when it was found; what a person keeps filed by itself.

    Decisions that an image is a copy are few, and looked up at each sort.
    """
    connection.execute(
        "CREATE TABLE copies (picture TEXT PRIMARY KEY, first TEXT NOT NULL, kept INTEGER NOT NULL DEFAULT 0) "
        "WITHOUT ROWID"
    )
    connection.execute("CREATE INDEX copies_by_first ON copies (first)")
    connection.execute("CREATE INDEX decisions_of_copies ON decisions (picture) WHERE action = 'duplicate'")


def m024_spreadings(connection: sqlite3.Connection) -> None:
    """Which pictures the answers of a model were last spread over, and what that says of the held-out labels."""
    connection.execute(
        "CREATE TABLE spreadings (model TEXT PRIMARY KEY, pictures TEXT NOT NULL, logits BLOB) WITHOUT ROWID"
    )


def m025_audits_of_answers(connection: sqlite3.Connection) -> None:
    """The answers elsewhere whose decisions an audit is of, and what names these; NULL where it is of the library."""
    connection.execute("ALTER TABLE audits ADD COLUMN source TEXT")
    connection.execute("ALTER TABLE audits ADD COLUMN asked TEXT")


def m026_chosen_from(connection: sqlite3.Connection) -> None:
    """The answers elsewhere that the pictures of the library were chosen from."""
    connection.execute("CREATE TABLE chosen_from (source TEXT PRIMARY KEY) WITHOUT ROWID")


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
    m016_reason_codes,
    m017_failure_codes,
    m018_missing_by_path,
    m019_settled_moves,
    m020_files_that_are_no_labels,
    m021_tag_files,
    m022_audits_until,
    m023_copies,
    m024_spreadings,
    m025_audits_of_answers,
    m026_chosen_from,
)


def pending(connection: sqlite3.Connection) -> list[Callable[[sqlite3.Connection], None]]:
    """The steps that a catalog lacks; raises LibraryError if it has steps that this program does not have."""
    known = connection.execute("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'migrations'").fetchone()
    done = {name for (name,) in connection.execute("SELECT name FROM migrations")} if known else set()
    newer = sorted(str(name) for name in done - {step.__name__ for step in STEPS})
    if newer:
        raise LibraryError(
            "the catalog was made by a newer illsort (it has {steps}): update illsort", steps=", ".join(newer)
        )
    return [step for step in STEPS if step.__name__ not in done]


def migrate(connection: sqlite3.Connection) -> None:
    """Apply the pending steps, each in one transaction with its record."""
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
