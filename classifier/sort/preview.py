"""A preview: reads a crawl as a sort does and keeps what was read, but only plans where each image would go.

What is found, the predictions and the embeddings go into the catalog, so that the sort reads no image again. Decisions
and moves are made in a copy of the catalog in memory, which is dropped. It makes no change outside `.illsort/`.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from classifier.catalog import library_changes, runs
from classifier.catalog.connection import Catalog, copy_in_memory, open_catalog
from classifier.catalog.files import relink
from classifier.catalog.lock import hold_lock
from classifier.catalog.planned import planned_images
from classifier.errors import Message
from classifier.filing.reconcile import reconcile
from classifier.filing.recovery import rebuild
from classifier.progress import Progress, SilentProgress
from classifier.settings import Settings
from classifier.sort.answers import predicting, with_spread_answers
from classifier.sort.apply import DecisionApplier
from classifier.sort.find_copies import find_copies
from classifier.sort.planned_moves import Show, plan_only
from classifier.sort.prepare import Prepared, prepare, requested
from classifier.sort.preview_numbers import preview_numbers, thresholds_as_one
from classifier.sort.summary import say_notes, summarize

_READING = Message("reading")


def preview(
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
    show: Show | None = None,
    restart: bool = False,
    restore_deleted: bool = False,
    is_named: bool = True,
    says_paths: bool = False,
) -> dict[str, Any]:
    """What `sort` with the same options would file where; each planned move is passed to `show`.

    Returns the summary of such a sort with the keys of `preview_numbers`, kept as that of a run of the kind `preview`.
    Raises LibraryError while another process owns the library. The next one, or the sort, takes up a stopped preview.
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
    with hold_lock(library), open_catalog(library) as catalog:
        rebuild(catalog, library)  # from the log, which numbers its runs: else this one would take such a number
        ready = prepare(
            catalog, asked, kind=runs.PREVIEW, progress=progress, restart=restart, restore_deleted=restore_deleted
        )
        ready = _read(catalog, ready, progress)
        with _copy_to_plan_in(ready, restore_deleted=restore_deleted) as copy:
            if restore_deleted:
                ready = _read(copy, ready, progress)
            applier = _planned(copy, ready, progress=progress, show=show)
            summary = _summary(copy, applier, ready, started=started)
        runs.finish(catalog, ready.run, summary)
    say_notes(applier, summary, model=ready.model, crawl=ready.crawl, progress=progress, dry_run=True)
    return summary


@contextmanager
def _copy_to_plan_in(ready: Prepared, *, restore_deleted: bool) -> Iterator[Catalog]:
    """A copy of the catalog in memory that agrees with the disk."""
    with copy_in_memory(ready.library) as copy:
        reconcile(copy, ready.library)
        relink(copy, run=ready.run, crawl=ready.crawl)
        if restore_deleted:
            library_changes.restore_deleted(copy, run=ready.run, crawl=ready.crawl)
        yield copy


def _read(catalog: Catalog, ready: Prepared, progress: Progress) -> Prepared:
    """Predict the images that have no prediction yet; each commit stands when the preview is killed."""
    deque(predicting(catalog, ready, progress, name=_READING), maxlen=0)
    find_copies(catalog, ready, progress)
    return with_spread_answers(catalog, ready, progress)


def _planned(copy: Catalog, ready: Prepared, *, progress: Progress, show: Show | None) -> DecisionApplier:
    crawl, library = ready.crawl, ready.library
    execute = partial(plan_only, copy, library, show)
    applier = DecisionApplier(copy, run=ready.run, crawl=crawl, library=library, policy=ready.policy, execute=execute)
    applier.redecide_placed(progress)
    applier.redecide_other_copies()
    applier.apply_rest(progress, name=Message("planning"))
    return applier


def _summary(copy: Catalog, applier: DecisionApplier, ready: Prepared, *, started: float) -> dict[str, Any]:
    run, crawl, policy = ready.run, ready.crawl, ready.policy
    summary = summarize(copy, applier, run=run, crawl=crawl, found=ready.found, started=started, policy=policy)
    images = planned_images(copy, run=run, crawl=crawl)
    return summary | preview_numbers(images, threshold=thresholds_as_one(policy.thresholds)) | {"run": run}
