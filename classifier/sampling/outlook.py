"""What is known of pictures that wait before anything was said: which look alike, written for the review page to read.

A file of its own beside the catalogue, which may be deleted at any time; whoever learns more writes the next one.
"""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Final

from classifier.catalogue.disk import make_state_folder
from classifier.sampling.clusters import cluster

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.sampling.seen import Seen

_NAME: Final = re.compile(r"outlook-(\d+)\.db")
_TABLES: Final = """
CREATE TABLE ranks (picture TEXT PRIMARY KEY, place INTEGER, category TEXT, confidence REAL, look INTEGER, logits BLOB)
    WITHOUT ROWID;
CREATE INDEX ranks_by_place ON ranks (place);
CREATE INDEX ranks_by_confidence ON ranks (category, confidence);
CREATE INDEX ranks_by_look ON ranks (category, look, place);
CREATE INDEX ranks_by_look_alone ON ranks (look, place);
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT);
"""


def has_outlook(library: Path) -> bool:
    """Whether something is known of the pictures that wait."""
    return bool(_outlooks(make_state_folder(library)))


def write_looks(library: Path, seen: Seen) -> Path:
    """Put what was seen into clusters and write them as the newest outlook of `library`; older ones are removed."""
    found = cluster(seen.embeddings)
    rows = [
        (seen.pictures[index], place, "", 0.0, int(found.look[index]), None)
        for place, index in enumerate(found.in_order().tolist())
    ]
    folder = make_state_folder(library)
    older = _outlooks(folder)
    path = folder / f"outlook-{max(older, default=0) + 1}.db"
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    with closing(sqlite3.connect(part)) as connection:
        connection.executescript(_TABLES)
        with connection:
            connection.executemany("INSERT INTO ranks VALUES (?, ?, ?, ?, ?, ?)", sorted(rows))
            connection.executemany(
                "INSERT INTO meta VALUES (?, ?)", [("categories", json.dumps([])), ("verdicts", "0")]
            )
    part.replace(path)
    for old in older.values():
        with suppress(PermissionError):  # Windows keeps a file that is being read
            old.unlink(missing_ok=True)
    return path


def _outlooks(folder: Path) -> dict[int, Path]:
    return {int(match[1]): path for path in folder.iterdir() if (match := _NAME.fullmatch(path.name))}
