"""The report of a library: counts, confidences, the last guarantee and the last audit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from classifier.catalog.connection import open_catalog, read_catalog
from classifier.catalog.lock import hold_lock
from classifier.catalog.runs import EndState
from classifier.catalog.stats import count_confidences, library_stats
from classifier.errors import Message
from classifier.filing.generated_files import write_generated
from classifier.filing.reconcile import reconcile_if_free
from classifier.local_time import local_time
from classifier.progress import percent_up
from classifier.records import Action
from classifier.report.svg import confidence_histogram
from classifier.report.template import NAME, render
from classifier.report.trust import last_audit, trust_messages

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.audit.estimate import AuditState, Bound
    from classifier.catalog.runs import Run, RunState
    from classifier.catalog.stats import LibraryStats

_BINS: Final = 20
_MOST_RUNS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One category: images filed there, images that wait with it as the best guess, and its bound from an audit."""

    category: str
    filed: int
    review: int
    bound: Bound | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One run; `state` is None if it is done."""

    id: int
    kind: str
    state: Message | None
    started: str
    pictures: int
    mode: str
    crawl: Path


def write_library_report(library: Path) -> Path:
    """Write `<library>/report.html`, replacing an earlier report that nobody changed; returns its path.

    Raises LibraryError if it is not a library, is in use, or has a file of that name that is not a report of ours;
    FilingStopped when the disk refuses.
    """
    reconcile_if_free(library)
    page = library_page(library).encode()
    with hold_lock(library), open_catalog(library) as catalog:
        return write_generated(catalog, library=library, name=NAME, content=page)


def library_page(library: Path) -> str:
    """The page as text; reads only the catalog."""
    stats = library_stats(library)
    audit, is_current = last_audit(library)
    filed, review = _confidences(library)
    rows = _rows(stats, audit)
    return render(
        "library.html",
        name=library.resolve().name,
        tiles=_tiles(stats),
        trust=trust_messages(library, stats.strictness, audit, is_current=is_current),
        rows=rows,
        most=max([1, *(row.filed + row.review for row in rows)]),
        is_audited=audit is not None and audit.audit.source is None,
        percent_up=percent_up,
        histogram=confidence_histogram(filed, review) if any(filed) or any(review) else None,
        runs=[_run_row(run, stats.states[run.id]) for run in stats.runs[: -_MOST_RUNS - 1 : -1]],
        failures=[(kind, count, count / len(stats.failures)) for kind, count in stats.broken.items()],
        not_filed=len(stats.not_filed),
    )


def _tiles(stats: LibraryStats) -> list[tuple[int, Message]]:
    """Counts of images with their captions; rare kinds only if there are any."""
    rare = [
        (stats.unknown, Message("unlike every label, in _unknown")),
        (stats.answers.answered, Message("answered by you, not filed yet")),
        (stats.outside, Message("where you put them, outside of all categories")),
        (stats.missing["deleted"], Message("no longer in the library")),
        (stats.missing["replaced"], Message("changed in the library, yours now")),
        (stats.missing["dangling"], Message("links whose original is gone")),
        (stats.copies, Message("copies of what is filed, in _duplicates")),
        (stats.copies_left, Message("copies of what is filed, left in the crawl")),
        (stats.duplicates, Message("duplicates, left where they are")),
    ]
    return [
        (sum(stats.filed.values()), Message("filed without asking")),
        (sum(stats.review.values()), Message("wait for you in _review")),
        *((count, words) for count, words in rare if count),
        (len(stats.failures), Message("could not be read")),
    ]


def _run_row(run: Run, state: RunState) -> RunRow:
    return RunRow(
        id=run.id,
        kind=run.kind,
        state=None if state.ended is EndState.DONE else state.message,
        started=local_time(run.started),
        pictures=int(run.summary.get("pictures", 0)),
        mode=run.mode,
        crawl=run.crawl,
    )


def _rows(stats: LibraryStats, audit: AuditState | None) -> list[Row]:
    """Largest first."""
    names = sorted(stats.filed | stats.review, key=lambda name: (-stats.filed.get(name, 0), name))
    bounds = (
        {}
        if audit is None or audit.audit.source is not None  # then those of each category are of pictures elsewhere
        else {bound.category: bound for bound in audit.bounds() if bound.asked and not bound.is_early}
    )
    return [
        Row(
            category=name,
            filed=stats.filed.get(name, 0),
            review=stats.review.get(name, 0),
            bound=bounds.get(name),
        )
        for name in names
    ]


def _confidences(library: Path) -> tuple[list[int], list[int]]:
    """The number of filed and of waiting images in equal bins of confidence."""
    counts = {Action.FILE: [0] * _BINS, Action.REVIEW: [0] * _BINS}
    with read_catalog(library) as catalog:
        for action, place, count in count_confidences(catalog, bins=_BINS):
            if action in counts:
                counts[Action(action)][place] += count
    return counts[Action.FILE], counts[Action.REVIEW]
