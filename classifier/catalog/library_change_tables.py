"""The tables of what a person changed in a library; part of the migrations, so they never change once released."""

from __future__ import annotations

from typing import Final

DISK_CHANGES: Final = (
    # A row of places or sidecars as it was last, why it is none any more, and what was decided of the picture.
    """CREATE TABLE missing (
        id INTEGER PRIMARY KEY, picture TEXT NOT NULL, path BLOB NOT NULL, method TEXT, source BLOB, size_bytes INTEGER,
        mtime_ns INTEGER, inode TEXT, device TEXT, beside TEXT, run INTEGER, action TEXT, category TEXT,
        confidence REAL, reason TEXT, what TEXT NOT NULL, at TEXT NOT NULL)""",
    "CREATE UNIQUE INDEX missing_pictures ON missing (picture) WHERE beside IS NULL",
    "CREATE INDEX missing_by_source ON missing (source)",
    # Whatever brings a picture or sidecar back, it is missing no more.
    """CREATE TRIGGER place_is_here AFTER INSERT ON places BEGIN
        DELETE FROM missing WHERE picture = NEW.picture AND beside IS NULL; END""",
    """CREATE TRIGGER sidecar_is_here AFTER INSERT ON sidecars BEGIN
        DELETE FROM missing WHERE source = NEW.source AND beside = NEW.beside; END""",
    # What a run was asked to file again though a person had deleted it, as it was in `missing`: undone, it is so again.
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
