"""What a library holds, in numbers: read without writing, also while a sort runs."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from classifier.catalog import embeddings, files, runs
from classifier.catalog.categories import CategoryAliases, read_names
from classifier.catalog.connection import read_catalog
from classifier.catalog.embeddings import StoreStats
from classifier.catalog.library_changes import count_missing
from classifier.catalog.moves import to_path
from classifier.catalog.previous_decisions import count_not_moved
from classifier.catalog.run_states import Ended, RunState, run_states
from classifier.catalog.strictness import Strictness
from classifier.paths import to_text
from classifier.records import Action, Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryStats:
    """A library at one moment."""

    runs: tuple[runs.Run, ...]
    states: dict[int, RunState]
    """What each run has come to, by its number."""
    strictness: Strictness
    """How sure a picture had to be in the last run, reviews apart; after an undo nothing is told."""
    filed: dict[str, int]
    """Pictures in each category, most first."""
    review: dict[str, int]
    """Pictures waiting for a person, by best guess, most first."""
    unknown: int
    """Pictures unlike every labelled one."""
    duplicates: int
    broken: dict[str, int]
    """Files that could not be read, by kind, most first."""
    failures: tuple[tuple[Path, Failure], ...]
    not_filed: tuple[tuple[Path, str], ...]
    """Pictures that could be read but lie nowhere in the library, with what the last try met."""
    not_moved: int
    """Pictures that could not be moved where they belong, and count where they lie."""
    missing: dict[str, int]
    """Pictures that were filed and are no longer in the library, by why: deleted, replaced, dangling."""
    embeddings: StoreStats
    """What networks saw in pictures, kept for other heads."""

    def as_dict(self) -> dict[str, Any]:
        """For JSON: paths as `to_text` writes them."""
        values, states, last = asdict(self), self.states, self.strictness
        del values["states"]
        values |= {"promise": last.promise, "no_guarantee": last.no_guarantee}
        values["runs"] = [
            run
            | {"crawl": to_text(run["crawl"]), "bundle": to_text(run["bundle"]), "state": str(states[run["id"]])}
            | {"undone": states[run["id"]].ended is Ended.UNDONE}
            for run in values["runs"]
        ]
        values["failures"] = [
            {"path": to_text(path), "kind": failure.kind, "detail": failure.detail} for path, failure in self.failures
        ]
        values["not_filed"] = [{"path": to_text(path), "reason": reason} for path, reason in self.not_filed]
        return values


_PLACED = """
SELECT decisions.action, decisions.category, count(*) FROM places
JOIN decisions ON decisions.picture = places.picture GROUP BY 1, 2 ORDER BY 3 DESC, 2
"""
_NOT_FILED = """
SELECT source, note, max(id) FROM moves WHERE state IN ('changed', 'gone', 'failed') AND method != 'rename'
AND NOT EXISTS (SELECT 1 FROM places WHERE places.picture = moves.picture)
AND EXISTS (SELECT 1 FROM files WHERE files.picture = moves.picture
    AND seen = (SELECT max(seen) FROM files AS other WHERE other.crawl = files.crawl))
AND NOT EXISTS (SELECT 1 FROM missing WHERE missing.picture = moves.picture AND missing.beside IS NULL)
GROUP BY picture ORDER BY source
"""


def overview(library: Path) -> LibraryStats:
    """Look at `library`; raises LibraryError when it is none."""
    with read_catalog(library) as catalog:
        names = read_names(catalog)
        placed = catalog.connection.execute(_PLACED).fetchall()
        failures = tuple(files.failures(catalog))
        every = tuple(runs.all_runs(catalog))
        return LibraryStats(
            runs=every,
            states=run_states(catalog, every),
            strictness=next((run.strictness for run in reversed(every) if run.kind != "review"), Strictness()),
            filed=_by_category(placed, Action.FILE, names),
            review=_by_category(placed, Action.REVIEW, names),
            unknown=sum(count for action, _, count in placed if action == Action.UNKNOWN),
            duplicates=files.count_duplicates(catalog),
            broken=dict(Counter(str(failure.kind) for _, failure in failures).most_common()),
            failures=failures,
            not_filed=tuple((to_path(path), note) for path, note, _ in catalog.connection.execute(_NOT_FILED)),
            not_moved=count_not_moved(catalog),
            missing={what.value: count for what, count in count_missing(catalog).items()},
            embeddings=embeddings.kept(catalog, library),
        )


def _by_category(placed: list[tuple[str, str, int]], action: Action, names: CategoryAliases) -> dict[str, int]:
    """Most first, by the names of now."""
    found: Counter[str] = Counter()
    for one, category, count in placed:
        found[names.of(category)] += count if one == action else 0
    return {category: count for category, count in found.most_common() if count}
