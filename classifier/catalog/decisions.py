"""What was decided of each picture, and where all of a crawl have ended; the judgment itself is in sort/decide."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from classifier.catalog.chunked_query import rows_of
from classifier.catalog.connection import Catalog
from classifier.catalog.library_changes import DELETED
from classifier.catalog.moves import to_bytes, to_path
from classifier.records import Action, Decision, PictureId

_DECISION = "picture, run, action, category, confidence, reason"
_MAKE_DECIDING = f"CREATE TEMP TABLE IF NOT EXISTS deciding AS SELECT {_DECISION} FROM decisions LIMIT 0"  # noqa: S608
# By one statement for all: a trigger for each row takes three times as long.
_KEEP = """
INSERT OR REPLACE INTO decided_before (run, picture, undone, moved, before, action, category, confidence, reason)
SELECT n.run, d.picture, 0, (d.action, d.category) IS NOT (n.action, n.category),
    d.run, d.action, d.category, d.confidence, d.reason
FROM temp.deciding AS n CROSS JOIN decisions AS d ON d.picture = n.picture AND d.run != n.run
WHERE (d.action, d.category, d.confidence, d.reason) IS NOT (n.action, n.category, n.confidence, n.reason)
"""
_SAVE = f"""
INSERT INTO decisions ({_DECISION}) SELECT {_DECISION} FROM temp.deciding WHERE true
ON CONFLICT (picture) DO UPDATE SET run = excluded.run, action = excluded.action, category = excluded.category,
    confidence = excluded.confidence, reason = excluded.reason
WHERE (action, category, confidence, reason)
    IS NOT (excluded.action, excluded.category, excluded.confidence, excluded.reason)
"""  # noqa: S608 - built from constants of this module


def save(catalog: Catalog, decisions: Iterable[Decision], *, run: int) -> None:
    """Record decisions; one that differs takes the place of the earlier about the same picture, which is kept."""
    # In the order of the pictures each page of the table is written once.
    rows = [
        (d.picture, run, d.action.value, d.category, d.confidence, d.reason)
        for d in sorted(decisions, key=attrgetter("picture"))
    ]
    with catalog.transaction() as connection:
        connection.execute(_MAKE_DECIDING)
        connection.executemany("INSERT INTO temp.deciding VALUES (?, ?, ?, ?, ?, ?)", rows)
        for statement in (_KEEP, _SAVE, "DELETE FROM temp.deciding"):
            connection.execute(statement)


def decided_of(catalog: Catalog, pictures: Sequence[PictureId]) -> dict[PictureId, Decision]:
    """What is decided of each of `pictures`; of those that nothing is decided of, nothing."""
    columns = "picture, action, category, confidence, reason"
    rows = rows_of(catalog, f"SELECT {columns} FROM decisions WHERE picture IN {{pictures}}", pictures)  # noqa: S608
    return {
        picture: Decision(
            picture=picture, action=Action(action), category=category, confidence=confidence, reason=reason
        )
        for picture, action, category, confidence, reason in rows
    }


def rename_where_it_lies(catalog: Catalog, category: str, into: str) -> None:
    """Decisions for `category` whose picture lies in a folder called `into`, filed or waiting, are for `into`."""
    with catalog.transaction() as connection:
        for folder in (into, f"_review/{into}"):
            connection.execute(
                "UPDATE decisions SET category = ?1 WHERE category = ?2 AND picture IN ("
                "SELECT picture FROM places WHERE path > ?3 AND path < ?4)",
                (into, category, os.fsencode(f"{folder}/"), os.fsencode(f"{folder}0")),  # "0" follows "/"
            )


# A file moved out of the crawl by us still counts as one of its pictures: a second run tells the same totals.
_TALLY = f"""
WITH members AS (
    SELECT path, picture, failure_kind, size_bytes FROM files WHERE crawl = :crawl AND (seen = :run OR EXISTS (
        SELECT 1 FROM places WHERE places.picture = files.picture AND source = files.path AND method = 'move')))
SELECT CASE
    WHEN members.failure_kind IS NOT NULL AND members.size_bytes IS NULL THEN 'unreadable'
    WHEN members.failure_kind IS NOT NULL THEN 'broken'
    WHEN places.source = members.path THEN decisions.action
    WHEN places.picture IS NOT NULL THEN 'duplicate'
    WHEN members.picture IN ({DELETED}) THEN 'deleted'
    ELSE 'failed' END AS outcome, decisions.category, count(*)
FROM members
LEFT JOIN places ON places.picture = members.picture
LEFT JOIN decisions ON decisions.picture = members.picture
GROUP BY 1, 2 ORDER BY 1, 2
"""  # noqa: S608


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many pictures of a crawl ended where; the seven numbers add up to `pictures`."""

    filed: int
    review: int
    unknown: int
    """Unlike every labelled picture, so in no category."""
    broken: int
    duplicates: int
    deleted: int
    """Deleted from the library by a person, or replaced there; not filed again."""
    failed: int
    """Could be read, but not be placed: changed meanwhile, no permission."""
    unreadable: int
    """Folders, and files that may be no pictures, that the system would not show; not among `pictures`."""
    categories: dict[str, int]
    """Filed pictures by category, most first."""

    @property
    def pictures(self) -> int:
        """All of them."""
        placed = self.filed + self.review + self.unknown
        return placed + self.broken + self.duplicates + self.deleted + self.failed


def tally(catalog: Catalog, *, run: int, crawl: Path) -> Tally:
    """Where each picture that `run` found in `crawl` has ended, those moved out of it by an earlier run included."""
    outcomes: dict[str, int] = {}
    categories: dict[str, int] = {}
    for outcome, category, count in catalog.connection.execute(_TALLY, {"run": run, "crawl": to_bytes(crawl)}):
        outcomes[outcome] = outcomes.get(outcome, 0) + count
        if outcome == Action.FILE:
            categories[category] = count
    return Tally(
        filed=outcomes.get(Action.FILE, 0),
        review=outcomes.get(Action.REVIEW, 0),
        unknown=outcomes.get(Action.UNKNOWN, 0),
        broken=outcomes.get("broken", 0),
        duplicates=outcomes.get("duplicate", 0),
        deleted=outcomes.get("deleted", 0),
        failed=outcomes.get("failed", 0),
        unreadable=outcomes.get("unreadable", 0),
        categories=dict(sorted(categories.items(), key=lambda item: (-item[1], item[0]))),
    )


def count_filed(catalog: Catalog) -> int:
    """How many pictures are filed."""
    (count,) = catalog.connection.execute(
        "SELECT count(*) FROM decisions JOIN places ON places.picture = decisions.picture WHERE action = ?",
        (Action.FILE,),
    ).fetchone()
    return int(count)


def placed_sources(catalog: Catalog) -> Iterator[tuple[Path, str]]:
    """Every filed picture: where it came from, and the category it was filed under."""
    rows = catalog.connection.execute(
        "SELECT places.source, decisions.category FROM places JOIN decisions ON decisions.picture = places.picture "
        "WHERE decisions.action = ? ORDER BY places.source",
        (Action.FILE,),
    )
    return ((to_path(source), category) for source, category in rows)
