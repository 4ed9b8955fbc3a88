"""The sorting pipeline: open the library, scan, predict, decide, file."""

from __future__ import annotations

import time
from collections import deque
from pathlib import Path
from typing import Any

from classifier.catalog import library_changes, runs
from classifier.catalog.connection import Catalog
from classifier.catalog.decisions import prune_previous
from classifier.catalog.files import relink
from classifier.catalog.predictions import forget_predictions
from classifier.filing.executor import execute
from classifier.filing.generated_files import write_failure_list
from classifier.filing.reconcile import open_library
from classifier.filing.repair_links import remove_copies, remove_dangling_links, remove_repeated_links
from classifier.filing.settle_changes import settle_changes
from classifier.progress import Progress, SilentProgress
from classifier.records import Duplicates
from classifier.settings import Settings
from classifier.sort.answers import predicting, with_spread_answers
from classifier.sort.apply import DecisionApplier, Execute
from classifier.sort.find_copies import find_copies
from classifier.sort.prepare import Prepared, prepare, requested
from classifier.sort.resume import OnChanged
from classifier.sort.summary import say_notes, summarize

_MODELS_KEPT = 2
"""Models whose predictions are kept: this one, and the one before, which an open page may still show."""


def sort(
    crawl: Path,
    *,
    library: Path,
    bundle: Path | None,
    settings: Settings,
    threshold: float | None = None,
    max_error: float | None = None,
    best: bool = False,
    answers: str | None = None,
    progress: Progress | None = None,
    restart: bool = False,
    restore_deleted: bool = False,
    on_changed: OnChanged | None = None,
    is_named: bool = True,
    says_paths: bool = False,
) -> dict[str, Any]:
    """File the images under `crawl` into `library`; run again, it does what is new or changed.

    `bundle` None takes the library's last one; `threshold` None the bundle's; `max_error` replaces it by thresholds
    that keep that error rate; with `best` the least that can be guaranteed, if that cannot. What is answered at
    `answers`, a path or URL, is not read. An interrupted sort is resumed with its own options, which `restart` drops;
    `on_changed` is asked about differences, and about what a person did in the library. `restore_deleted` files again
    what they deleted; `is_named` is False for a crawl that only the catalog names; `says_paths` says both paths.
    """
    started, progress = time.monotonic(), progress or SilentProgress()
    asked = requested(
        crawl,
        library=library,
        bundle=bundle,
        settings=settings,
        threshold=threshold,
        max_error=max_error,
        best=best,
        answers=answers,
        progress=progress,
        is_named=is_named,
        says_paths=says_paths,
    )
    crawl = asked.crawl
    with open_library(library, progress, named=crawl if is_named else None) as catalog:
        settle_changes(catalog, library, settings, ask=on_changed, progress=progress)
        ready = prepare(catalog, asked, kind=runs.SORT, progress=progress, restart=restart, on_changed=on_changed)
        if restore_deleted:
            library_changes.restore_deleted(catalog, run=ready.run, crawl=crawl)
        applier, ready = _filed(catalog, ready, progress)
        summary = _summary(catalog, applier, ready, started=started)
        runs.finish(catalog, ready.run, summary)
    say_notes(applier, summary, model=ready.model, crawl=crawl, progress=progress, dry_run=False)
    return summary


def _filed(catalog: Catalog, ready: Prepared, progress: Progress) -> tuple[DecisionApplier, Prepared]:
    """Predict, decide and file the images of the run; returns it with the policy that they were decided by."""
    run, crawl, library = ready.run, ready.crawl, ready.library
    moves = _mover(catalog, library, run=run)
    relink(catalog, run=run, crawl=crawl)
    relinked = remove_dangling_links(catalog, library, run=run, crawl=crawl, execute=moves)
    predicted = predicting(catalog, ready, progress)
    # The best of its copies may be the last image, and each image has its say in those near it.
    if ready.is_spread or ready.policy.duplicates is not Duplicates.KEEP:
        deque(predicted, maxlen=0)
        find_copies(catalog, ready, progress)
        ready = with_spread_answers(catalog, ready, progress)
    policy = ready.policy
    applier = DecisionApplier(catalog, run=run, crawl=crawl, library=library, policy=policy, execute=moves)
    applier.relinked = frozenset() if ready.request.mode else relinked
    applier.redecide_placed(progress)
    applier.redecide_other_copies()
    for last in predicted:
        applier.apply_until(last)
    applier.apply_rest(progress)
    if policy.duplicates is Duplicates.BEST:
        remove_copies(catalog, library, execute=moves)
    _clean_up(catalog, library, run=run, execute=moves, progress=progress)
    return applier, ready


def _summary(catalog: Catalog, applier: DecisionApplier, ready: Prepared, *, started: float) -> dict[str, Any]:
    run, crawl, found, policy = ready.run, ready.crawl, ready.found, ready.policy
    return summarize(catalog, applier, run=run, crawl=crawl, found=found, started=started, policy=policy)


def _mover(catalog: Catalog, library: Path, *, run: int) -> Execute:
    return lambda moves: execute(catalog, library=library, run=run, moves=moves)


def _clean_up(catalog: Catalog, library: Path, *, run: int, execute: Execute, progress: Progress) -> None:
    """Remove repeated links, list the images that could not be read, and drop outdated predictions and decisions."""
    remove_repeated_links(catalog, library, execute=execute)
    write_failure_list(catalog, library, progress, run=run)
    forget_predictions(catalog, runs.earlier_models(catalog, last=_MODELS_KEPT))
    prune_previous(catalog)
