"""What a library contains, in numbers: read without writing, also while a sort runs."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from classifier.catalog import embeddings, files, runs
from classifier.catalog.categories import CategoryAliases, read_aliases
from classifier.catalog.category_folders import OUTSIDE
from classifier.catalog.connection import read_catalog
from classifier.catalog.decisions import count_with_reason
from classifier.catalog.embeddings import StoreStats
from classifier.catalog.left_in_crawls import left_in_crawls
from classifier.catalog.library_changes import DELETED, count_missing
from classifier.catalog.page_answers import AnswerCounts, count_answers
from classifier.catalog.runs import EndState, RunState, run_states
from classifier.catalog.strictness import Strictness
from classifier.catalog.values import to_bytes, to_message, to_path
from classifier.paths import displayable, to_text
from classifier.reason_text import reason_message
from classifier.reasons import ReasonCode
from classifier.records import Action, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.catalog.connection import Catalog


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryStats:
    """The statistics of a library at one moment."""

    runs: tuple[runs.Run, ...]
    states: dict[int, RunState]
    """The state of each run, by its number."""
    strictness: Strictness
    """Of the last run that was no review or preview; empty after an undo."""
    filed: dict[str, int]
    """Images in each category, most first."""
    review: dict[str, int]
    """Images in review, by best guess, most first."""
    review_in_parents: int
    """Those of them that are surely of a parent of nested categories: they are in its `_review`."""
    unknown: int
    """Images unlike all labeled ones."""
    answers: AnswerCounts
    """Images among those in review and unknown that the page does not ask about."""
    outside: int
    """Filed images that a person put at the top of the library or into a folder of their own: in no category."""
    copies: int
    """Copies of what is filed, in `_duplicates`."""
    copies_left: int
    """Copies of what is filed that are in the crawls and in no file of the library."""
    duplicates: int
    """Files of the crawls with the content of another one."""
    broken: dict[str, int]
    """Files that could not be read, by kind, most first."""
    failures: tuple[tuple[Path, Failure], ...]
    not_filed: tuple[tuple[Path, str], ...]
    """Images that could be read but are not in the library, with the error of the last attempt."""
    not_moved: int
    """Images that could not be moved to their folder, and count where they are."""
    missing: dict[str, int]
    """Images that were filed and are no longer in the library: deleted, replaced, dangling."""
    embeddings: StoreStats
    """Stored embeddings, for other heads."""
    without_look: int
    """Images in the library whose look is not kept, so that their copies are not found."""

    def as_dict(self) -> dict[str, Any]:
        """For JSON: paths as `to_text` writes them."""
        values, states, last = asdict(self), self.states, self.strictness
        del values["states"]
        values |= {"promise": last.promise, "no_guarantee": last.no_guarantee}
        values["runs"] = [
            run
            | {"crawl": to_text(run["crawl"]), "bundle": to_text(run["bundle"]), "state": str(states[run["id"]])}
            | {"undone": states[run["id"]].ended is EndState.UNDONE}
            | {"promise": sure.promise, "no_guarantee": sure.no_guarantee}
            for run, sure in zip(values["runs"], (run.strictness for run in self.runs), strict=True)
        ]
        values["failures"] = [
            {
                "path": to_text(path),
                "kind": failure.kind,
                "detail": displayable(reason_message(failure.detail)),
            }
            for path, failure in self.failures
        ]
        values["not_filed"] = [
            {"path": to_text(path), "reason": displayable(reason)} for path, reason in self.not_filed
        ]
        return values


_PLACED = f"""
SELECT CASE WHEN decisions.action = 'file' AND {OUTSIDE} THEN 'outside' ELSE decisions.action END,
    decisions.category, count(*)
FROM places JOIN decisions ON decisions.picture = places.picture GROUP BY 1, 2 ORDER BY 3 DESC, 2
"""  # noqa: S608 - a constant

_NOT_FILED = """
SELECT source, note, max(id) FROM moves WHERE state IN ('changed', 'gone', 'failed') AND method != 'rename'
AND NOT EXISTS (SELECT 1 FROM places WHERE places.picture = moves.picture)
AND EXISTS (SELECT 1 FROM files WHERE files.picture = moves.picture
    AND seen = (SELECT max(seen) FROM files AS other WHERE other.crawl = files.crawl))
AND NOT EXISTS (SELECT 1 FROM missing WHERE missing.picture = moves.picture AND missing.beside IS NULL)
GROUP BY picture ORDER BY source
"""


def library_stats(library: Path) -> LibraryStats:
    """The statistics of `library`; raises LibraryError if it is none."""
    with read_catalog(library) as catalog:
        names = read_aliases(catalog)
        placed = catalog.connection.execute(_PLACED).fetchall()
        failures = tuple(files.failures(catalog))
        every = tuple(runs.all_runs(catalog))
        left = left_in_crawls(catalog)
        return LibraryStats(
            runs=every,
            states=run_states(catalog, every),
            strictness=next(
                (run.strictness for run in reversed(every) if run.kind not in {"review", runs.PREVIEW}), Strictness()
            ),
            filed=_by_category(placed, Action.FILE, names),
            review=_by_category(placed, Action.REVIEW, names),
            review_in_parents=count_with_reason(catalog, ReasonCode.SURE_OF_PARENT),
            unknown=sum(count for action, _, count in placed if action == Action.UNKNOWN),
            answers=count_answers(catalog),
            outside=sum(count for action, _, count in placed if action == "outside"),
            copies=sum(count for action, _, count in placed if action == Action.DUPLICATE),
            copies_left=left.copies,
            duplicates=left.duplicates,
            broken=dict(Counter(str(failure.kind) for _, failure in failures).most_common()),
            failures=failures,
            not_filed=tuple(
                (to_path(path), to_message(note)) for path, note, _ in catalog.connection.execute(_NOT_FILED)
            ),
            not_moved=count_with_reason(catalog, ReasonCode.NOT_MOVED),
            missing={what.value: count for what, count in count_missing(catalog).items()},
            embeddings=embeddings.store_stats(catalog, library),
            without_look=embeddings.count_lacking(catalog, embeddings.LOOKS),
        )


def _by_category(placed: list[tuple[str, str, int]], action: Action, names: CategoryAliases) -> dict[str, int]:
    """Counts by current category name, largest first."""
    found: Counter[str] = Counter()
    for one, category, count in placed:
        found[names.resolve(category)] += count if one == action else 0
    return {category: count for category, count in found.most_common() if count}


# A file that was moved out of the crawl still counts: a second run reports the same totals. Counted by the caller:
# SQLite would hold all rows to sort them.
MEMBERS: Final = """
WITH members AS (
    SELECT path, picture, failure_kind, size_bytes FROM files WHERE crawl = :crawl AND (seen = :run OR EXISTS (
        SELECT 1 FROM places WHERE places.picture = files.picture AND source = files.path AND method = 'move')))
"""

# An image that is not in the library counts once too, by its first file.
_TALLY = f"""
{MEMBERS}
SELECT CASE
    WHEN members.failure_kind IS NOT NULL AND members.size_bytes IS NULL THEN 'unreadable'
    WHEN members.failure_kind IS NOT NULL THEN 'broken'
    WHEN places.source = members.path THEN decisions.action
    WHEN places.picture IS NOT NULL OR EXISTS (
        SELECT 1 FROM files AS other WHERE other.picture = members.picture AND other.path < members.path
        AND +other.crawl = :crawl AND +other.seen = :run AND other.failure_kind IS NULL) THEN 'same'
    WHEN members.picture IN ({DELETED}) THEN 'deleted'
    WHEN decisions.action = 'duplicate' THEN 'left out'
    ELSE 'failed' END AS outcome, decisions.category, decisions.reason_code = 'sure_of_parent'
FROM members
LEFT JOIN places ON places.picture = members.picture
LEFT JOIN decisions ON decisions.picture = members.picture
"""  # noqa: S608


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many images of a crawl ended where; the nine numbers add up to `pictures`."""

    filed: int
    review: int
    review_in_parents: int
    """Those of the images in review that are in the `_review` of a parent of nested categories."""
    unknown: int
    """Unlike all labeled images, so in no category."""
    copies: int
    """Copies of what is filed, in `_duplicates`."""
    copies_left: int
    """Copies of what is filed, left in the crawl."""
    broken: int
    duplicates: int
    """Files with the very content of another one."""
    deleted: int
    """Deleted from the library by a person, or replaced there; not filed again."""
    failed: int
    """Could be read but not filed: changed meanwhile, permission denied."""
    unreadable: int
    """Folders, and files that may not be images, that could not be read; not among `pictures`."""
    categories: dict[str, int]
    """Filed images by category, most first."""

    @property
    def pictures(self) -> int:
        """The number of images."""
        placed = self.filed + self.review + self.unknown + self.copies
        return placed + self.copies_left + self.broken + self.duplicates + self.deleted + self.failed


def tally_crawl(catalog: Catalog, *, run: int, crawl: Path) -> Tally:
    """Where each image that `run` found in `crawl` has ended, including those moved out of it by an earlier run."""
    outcomes: dict[str, int] = {}
    categories: dict[str, int] = {}
    rows = catalog.connection.execute(_TALLY, {"run": run, "crawl": to_bytes(crawl)})
    in_parents = 0
    for (outcome, category, is_in_parent), count in Counter(rows).items():
        outcomes[outcome] = outcomes.get(outcome, 0) + count
        if outcome == Action.FILE:
            categories[category] = categories.get(category, 0) + count
        elif outcome == Action.REVIEW and is_in_parent:
            in_parents += count
    return Tally(
        filed=outcomes.get(Action.FILE, 0),
        review=outcomes.get(Action.REVIEW, 0),
        review_in_parents=in_parents,
        unknown=outcomes.get(Action.UNKNOWN, 0),
        broken=outcomes.get("broken", 0),
        copies=outcomes.get(Action.DUPLICATE, 0),
        copies_left=outcomes.get("left out", 0),
        duplicates=outcomes.get("same", 0),
        deleted=outcomes.get("deleted", 0),
        failed=outcomes.get("failed", 0),
        unreadable=outcomes.get("unreadable", 0),
        categories=dict(sorted(categories.items(), key=lambda item: (-item[1], item[0]))),
    )


_CONFIDENCES = """
SELECT decisions.action, min(CAST(decisions.confidence * :bins AS INTEGER), :bins - 1), count(*)
FROM places JOIN decisions ON decisions.picture = places.picture GROUP BY 1, 2
"""


def count_confidences(catalog: Catalog, *, bins: int) -> Iterator[tuple[str, int, int]]:
    """For each action, how many images in the library have a confidence in each of `bins` equal bins, from 0."""
    for action, place, count in catalog.connection.execute(_CONFIDENCES, {"bins": bins}):
        yield str(action), int(place), int(count)
