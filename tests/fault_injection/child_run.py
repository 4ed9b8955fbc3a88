"""One run of the small sorter in a child process; its exit status says how it ended."""

from __future__ import annotations

import sys
import tempfile
import traceback
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.catalog.connection import open_catalog
from classifier.catalog.lock import hold_lock
from classifier.catalog.places import place_of
from classifier.errors import IllsortError
from classifier.filing import executor, recovery
from classifier.filing.fsops import Disk
from classifier.filing.results import Status
from classifier.records import Method
from fault_injection.interference import INTERFERENCES
from fault_injection.mutants import MUTANTS
from kit.filing import begin_run, moves_of, name, sort

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from classifier.filing.results import Outcome
    from classifier.records import Move
    from fault_injection.fork_server import Job

PLACED, NAMED, STOPPED, UNNAMED, BUG = 0, 1, 2, 3, 4
"""All placed; some failed, each with a reason; stopped, naming a path; no reason or path; any other exception."""


def run_job(job: Job, *, ready: Callable[[], None]) -> int:
    """File what has no place yet; `ready` is called just before the filing code runs."""
    library, crawl = Path(job.library), Path(job.crawl)
    work = _work(job, library, crawl)
    if job.mutant:
        MUTANTS[job.mutant]()
    if job.interfere:
        INTERFERENCES[job.interfere](library, crawl)
    ready()
    try:
        outcomes = work()
    except IllsortError as error:
        return STOPPED if str(library) in str(error) or str(crawl) in str(error) else UNNAMED
    except BaseException:  # noqa: BLE001 - any exception is a bug, reported by the status
        traceback.print_exc()
        return BUG
    left = [outcome for outcome in outcomes if outcome.status not in {Status.PLACED, Status.DUPLICATE}]
    if any(not outcome.reason for outcome in left):
        return UNNAMED
    return NAMED if left else PLACED


def _work(job: Job, library: Path, crawl: Path) -> Callable[[], Sequence[Outcome]]:
    """The function to run; what belongs to the test is done beforehand."""
    if job.sidecars:
        sorting = sys.modules["kit.sorting"]
        if job.undo:
            return partial(sorting.undo_all, library)
        return partial(sorting.sort, library, crawl, method=Method(job.method), batch=job.batch)
    moves = moves_of(crawl, method=Method(job.method))
    return partial(_file, moves, library=library, crawl=crawl, batch=job.batch)


def _file(moves: list[Move], *, library: Path, crawl: Path, batch: int) -> list[Outcome]:
    outcomes: list[Outcome] = []
    with hold_lock(library), open_catalog(library) as catalog:
        name(catalog, crawl)
        recovery.recover(catalog, library)
        begin_run(catalog, crawl)
        waiting = [move for move in moves if place_of(catalog, move.image_id) is None]
        for start in range(0, len(waiting), batch):
            some = waiting[start : start + batch]
            outcomes += executor.execute(catalog, library=library, run=1, moves=some, disk=Disk())
    return outcomes


def warm_up() -> None:
    """Import what is imported late, so that children make no system calls for imports."""
    with tempfile.TemporaryDirectory() as folder:
        for method in (Method.COPY, Method.MOVE):
            crawl = Path(folder, method, "crawl")
            crawl.mkdir(parents=True)
            (crawl / "a.jpg").write_bytes(b"a")
            sort(crawl.parent / "library", crawl, method=method)
