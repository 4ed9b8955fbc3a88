"""What each run has come to, for status and reports: by its own end, and by what later runs did of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from classifier.catalog.undo_queries import undone_runs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classifier.catalog.connection import Catalog
    from classifier.catalog.runs import Run


class Ended(StrEnum):
    """How a run has ended."""

    DONE = "done"
    UNFINISHED = "not finished"
    FINISHED_BY = "finished by"
    """It was stopped, and a later run did all that it was to do."""
    UNDONE = "undone"
    PARTLY_UNDONE = "partly undone"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """How a run has ended; `by` is the later run that finished its work, if one did."""

    ended: Ended
    by: int | None = None

    def __str__(self) -> str:
        return self.ended if self.by is None else f"{self.ended} #{self.by}"


def run_states(catalog: Catalog, runs: Sequence[Run]) -> dict[int, RunState]:
    """The state of each of all `runs`, oldest first, by its number."""
    undone = undone_runs(catalog)
    states: dict[int, RunState] = {}
    finisher: dict[tuple[object, ...], int] = {}
    for run in reversed(runs):
        same = (run.kind, run.crawl, run.undoes)
        by = None if run.finished else finisher.get(same)
        ended = Ended.DONE if run.finished else Ended.UNFINISHED if by is None else Ended.FINISHED_BY
        if run.id in undone:
            ended, by = (Ended.UNDONE if undone[run.id] else Ended.PARTLY_UNDONE), None
        states[run.id] = RunState(ended=ended, by=by)
        if run.finished and run.id not in undone:
            finisher[same] = run.id
    return states
