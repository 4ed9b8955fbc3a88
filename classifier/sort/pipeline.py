"""The sorting pipeline: open the library, scan, predict, decide, file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Never

from classifier.catalog import library_changes, runs
from classifier.catalog.connection import Catalog, is_library
from classifier.catalog.decisions import prune_previous
from classifier.catalog.files import relink
from classifier.catalog.predictions import forget_predictions
from classifier.decision.policy import Policy
from classifier.errors import Message, ModelError
from classifier.filing.generated_files import write_failure_list
from classifier.filing.path_scope import record_named_crawls
from classifier.filing.repair_links import remove_dangling_links, remove_repeated_links
from classifier.filing.symlink_right import check_symlink_right
from classifier.images.walk_result import WalkResult
from classifier.model.bundle import Bundle, open_bundle
from classifier.model.onnx_cache import check_engine
from classifier.model.weights import check_versions
from classifier.progress import Progress, SilentProgress
from classifier.records import Mode
from classifier.settings import Settings
from classifier.sort.apply import DecisionApplier, Execute
from classifier.sort.dry_run import Show, executor, open_or_copy
from classifier.sort.new_images import predict
from classifier.sort.resolve_policy import resolve_policy
from classifier.sort.resume import OnChanged, SortRequest, request_from, resume
from classifier.sort.reuse_embeddings import reuse_embeddings
from classifier.sort.scan import checked_crawl, recognize, refuse_model_and_labels, scan, scope_for_sort
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
    progress: Progress | None = None,
    plan: Show | None = None,
    restart: bool = False,
    restore_deleted: bool = False,
    on_changed: OnChanged | None = None,
    is_named: bool = True,
) -> dict[str, Any]:
    """File the images under `crawl` into `library`; run again, it does what is new or changed.

    `bundle` None takes the library's last one; `threshold` None the bundle's; `max_error` replaces it by thresholds
    that keep that error rate. With `plan`, each move is printed by it and nothing on disk changes. An interrupted sort
    is resumed with its own options, `on_changed` asked about differences; `restart` drops them. `restore_deleted` files
    again what a person deleted; `is_named` is False for a crawl that only the catalog names. Returns the summary.
    """
    started, progress = time.monotonic(), progress or SilentProgress()
    _check_packages(settings)
    crawl, requested = checked_crawl(crawl, library), _requested_model(bundle, library, progress, is_named=is_named)
    with open_or_copy(library, progress, named=crawl if is_named else None, show=plan) as catalog:
        request = request_from(settings, threshold=threshold, max_error=max_error, bundle=bundle)
        if not restart and (interrupted := runs.interrupted_run(catalog, crawl)) is not None:
            request, settings = resume(request, settings, interrupted, on_changed=on_changed, progress=progress)
        model = _model_for(request, requested, catalog, library, progress)
        policy = resolve_policy(request, model, settings, library=library, catalog=catalog, progress=progress)
        run, found = _scanned(catalog, crawl, library, model=model, settings=settings, policy=policy, progress=progress)
        execute = executor(catalog, library, run=run, show=plan)
        if restore_deleted:
            library_changes.restore_deleted(catalog, run=run, crawl=crawl)
        applier = DecisionApplier(catalog, run=run, crawl=crawl, library=library, policy=policy, execute=execute)
        if plan is None:
            relinked = remove_dangling_links(catalog, library, run=run, crawl=crawl, execute=execute)
            applier.relinked = frozenset() if request.mode else relinked
        reuse_embeddings(catalog, run=run, crawl=crawl, library=library, bundle=model, progress=progress)
        applier.redecide_placed(progress)
        for last in predict(catalog, library, run=run, crawl=crawl, bundle=model, settings=settings, progress=progress):
            applier.apply_until(last)
        applier.apply_rest(progress)
        if plan is None:
            _clean_up(catalog, library, run=run, execute=execute, progress=progress)
        summary = summarize(catalog, applier, run=run, crawl=crawl, found=found, started=started, policy=policy)
        runs.finish(catalog, run, summary)
    say_notes(applier, summary, model=model, crawl=crawl, progress=progress, dry_run=plan is not None)
    return summary


def _check_packages(settings: Settings) -> None:
    """Raise ModelError in one line when a package is too old, or one that is asked for is not installed."""
    check_versions()
    check_engine(settings.runtime.engine)


def _requested_model(bundle: Path | None, library: Path, progress: Progress, *, is_named: bool) -> Bundle | None:
    """The requested model, opened before anything is made at `library`; None means the library's last one.

    Raises ModelError in one line, or LibraryError when a named crawl would be sorted into a model or labels.
    """
    if bundle is None:
        return None if is_library(library) else _refuse_never_sorted(library)
    model = _open(bundle, progress)
    if is_named:
        refuse_model_and_labels(library, model)
    return model


def _open(bundle: Path, progress: Progress) -> Bundle:
    with progress.stage(Message("opening the model"), total=None, unit=""):
        return open_bundle(bundle)


def _model_for(
    request: SortRequest, requested: Bundle | None, catalog: Catalog, library: Path, progress: Progress
) -> Bundle:
    """The model that decides; after an interrupted sort not always the requested one."""
    folder = request.bundle or _last_bundle(catalog, library)
    return requested if requested is not None and requested.folder == folder else _open(folder, progress)


def _scanned(
    catalog: Catalog,
    crawl: Path,
    library: Path,
    *,
    model: Bundle,
    settings: Settings,
    policy: Policy,
    progress: Progress,
) -> tuple[int, WalkResult]:
    """Begin the run and scan the crawl; the run's number, and what was found."""
    scope = scope_for_sort(crawl, model=model, settings=settings, mode=policy.mode)
    if policy.mode is Mode.SYMLINK:
        check_symlink_right()
    if policy.mode is Mode.MOVE:
        record_named_crawls(catalog, library, progress)
    run = _begin(catalog, crawl=crawl, model=model, settings=settings, policy=policy)
    found = scan(catalog, run=run, crawl=crawl, library=library, progress=progress, scope=scope)
    recognize(catalog, run=run, crawl=crawl, progress=progress)
    relink(catalog, run=run, crawl=crawl)
    return run, found


def _begin(catalog: Catalog, *, crawl: Path, model: Bundle, settings: Settings, policy: Policy) -> int:
    recorded = settings.model_dump(
        mode="json", include={"sort", "images", "runtime"}, exclude={"sort": {"crawl", "library"}}
    )
    recorded["sort"] |= policy.settings()
    return runs.begin(
        catalog,
        kind="sort",
        crawl=crawl,
        mode=policy.mode,
        model=model.manifest.key,
        backbone=model.manifest.backbone_key or None,
        bundle=model.folder.absolute(),
        settings=recorded,
    )


def _clean_up(catalog: Catalog, library: Path, *, run: int, execute: Execute, progress: Progress) -> None:
    """Remove repeated links, list the images that could not be read, and drop outdated predictions and decisions."""
    remove_repeated_links(catalog, library, execute=execute)
    write_failure_list(catalog, library, progress, run=run)
    forget_predictions(catalog, runs.earlier_models(catalog, last=_MODELS_KEPT))
    prune_previous(catalog)


def _last_bundle(catalog: Catalog, library: Path) -> Path:
    earlier = [run for run in runs.all_runs(catalog) if run.kind == "sort" and run.bundle.name]
    if not earlier:
        _refuse_never_sorted(library)
    return earlier[-1].bundle


def _refuse_never_sorted(library: Path) -> Never:
    raise ModelError(
        "{library} was never sorted into: say which model with --model (make one with illsort train)", library=library
    )
