"""The SQL of the migration steps. It never changes once released."""

from __future__ import annotations

from typing import Final

FIRST_TABLES = (
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
    # Few rows are ever open, and recovery queries them at every start.
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

UNDO_AND_SIDECARS = (
    "ALTER TABLE moves ADD COLUMN undoes INTEGER",
    "ALTER TABLE moves ADD COLUMN beside TEXT",
    "CREATE INDEX moves_by_undone ON moves (undoes) WHERE undoes IS NOT NULL",
    "ALTER TABLE runs ADD COLUMN undoes INTEGER",
    # By path, for sidecars of different images are often equal; `image_id` is the content's hash as in places.
    """CREATE TABLE sidecars (
        path BLOB PRIMARY KEY, beside TEXT NOT NULL, picture TEXT NOT NULL, method TEXT, source BLOB,
        size_bytes INTEGER, mtime_ns INTEGER, inode TEXT, device TEXT) WITHOUT ROWID""",
    "CREATE INDEX sidecars_by_picture ON sidecars (beside)",
    "CREATE INDEX sidecars_by_source ON sidecars (source)",
)

AUDITS = (
    # `filed` (images by category), `steps` (threshold, images kept) and the marks are as they were at the draw.
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

EMBEDDINGS = (
    """CREATE TABLE embeddings (
        backbone TEXT, shard INTEGER, row INTEGER, picture TEXT NOT NULL, PRIMARY KEY (backbone, shard, row))
        WITHOUT ROWID""",
    "CREATE UNIQUE INDEX embeddings_by_picture ON embeddings (picture, backbone)",
)

REVIEW_QUEUE = (
    "CREATE INDEX decisions_by_surety ON decisions (action, confidence)",
    "CREATE INDEX decisions_by_category ON decisions (action, category, confidence)",
    # The last run first, within it the least confident: one direction for all three, so that a page can begin anywhere.
    "CREATE INDEX decisions_by_run ON decisions (action, (-run), confidence)",
    "CREATE INDEX verdicts_by_origin ON verdicts (origin)",
)

_WAITS = "WHERE action IN ('review', 'unknown')"

QUEUE_OF_WHAT_WAITS = (
    *(f"DROP INDEX decisions_by_{order}" for order in ("action", "surety", "category", "run")),
    f"CREATE INDEX decisions_by_surety ON decisions (action, confidence) {_WAITS}",
    f"CREATE INDEX decisions_by_category ON decisions (action, category, confidence) {_WAITS}",
    f"CREATE INDEX decisions_by_run ON decisions (action, (-run), confidence) {_WAITS}",
)

ANSWERS_BY_MODEL = (
    """CREATE TABLE answers (
        model TEXT, picture TEXT, logits BLOB NOT NULL, novelty REAL, PRIMARY KEY (model, picture)) WITHOUT ROWID""",
    "INSERT INTO answers SELECT model, picture, logits, novelty FROM predictions ORDER BY model, picture",
    "DROP TABLE predictions",
    "ALTER TABLE answers RENAME TO predictions",
    "ALTER TABLE runs ADD COLUMN backbone TEXT",
)

REVIEW_STEPS = (
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

DISK_CHANGES: Final = (
    # The last row of places or sidecars for a file that is gone, why it is gone, and the decision on its image.
    """CREATE TABLE missing (
        id INTEGER PRIMARY KEY, picture TEXT NOT NULL, path BLOB NOT NULL, method TEXT, source BLOB, size_bytes INTEGER,
        mtime_ns INTEGER, inode TEXT, device TEXT, beside TEXT, run INTEGER, action TEXT, category TEXT,
        confidence REAL, reason TEXT, what TEXT NOT NULL, at TEXT NOT NULL)""",
    "CREATE UNIQUE INDEX missing_pictures ON missing (picture) WHERE beside IS NULL",
    "CREATE INDEX missing_by_source ON missing (source)",
    # An image or sidecar that is placed again is no longer missing.
    """CREATE TRIGGER place_is_here AFTER INSERT ON places BEGIN
        DELETE FROM missing WHERE picture = NEW.picture AND beside IS NULL; END""",
    """CREATE TRIGGER sidecar_is_here AFTER INSERT ON sidecars BEGIN
        DELETE FROM missing WHERE source = NEW.source AND beside = NEW.beside; END""",
    # Deleted files that a run restored, as they were in `missing`: undoing the run records them as deleted again.
    """CREATE TABLE restored (
        for_run INTEGER NOT NULL, picture TEXT NOT NULL, path BLOB NOT NULL, method TEXT, source BLOB,
        size_bytes INTEGER, mtime_ns INTEGER, inode TEXT, device TEXT, beside TEXT, run INTEGER, action TEXT,
        category TEXT, confidence REAL, reason TEXT, what TEXT NOT NULL, at TEXT NOT NULL)""",
    "CREATE INDEX restored_by_run ON restored (for_run)",
    # `last_verdict`: the newest verdict at that time; later ones have greater ids, whatever the clock shows.
    """CREATE TABLE hand_moves (
        id INTEGER PRIMARY KEY, picture TEXT NOT NULL, old BLOB NOT NULL, new BLOB NOT NULL,
        last_verdict INTEGER NOT NULL, at TEXT NOT NULL)""",
    "CREATE INDEX hand_moves_by_picture ON hand_moves (picture)",
    "CREATE INDEX moves_by_sidecar ON moves (beside) WHERE beside IS NOT NULL",
)

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

WITH_REASONS: Final = ("decisions", "decided_before", "missing", "restored", "drawn")

# CAST, because a function cannot be given damaged text.
_SENTENCE: Final = "CAST({table}.reason_params AS BLOB), CAST({table}.category AS BLOB)"

_ANNOTATION: Final = f"""
SELECT max(id) FROM verdicts WHERE verdicts.picture = {{table}}.picture
AND said || char(10) || origin || char(10) || substr(at, 1, 10) = reason_said({_SENTENCE})
"""  # noqa: S608 - built from constants of this module

_READ_REASONS: Final = f"""
UPDATE {{table}} SET reason_code = reason_code({_SENTENCE}),
    reason_params = reason_params({_SENTENCE}, coalesce(
        ({_ANNOTATION} AND verdicts.category IS {{table}}.category), ({_ANNOTATION})))
WHERE reason_params IS NOT NULL
"""  # noqa: S608 - built from constants of this module

REASON_CODES: Final = tuple(
    statement.format(table=table)
    for table in WITH_REASONS
    for statement in (
        "ALTER TABLE {table} RENAME COLUMN reason TO reason_params",
        "ALTER TABLE {table} ADD COLUMN reason_code TEXT",
        _READ_REASONS,
    )
)
