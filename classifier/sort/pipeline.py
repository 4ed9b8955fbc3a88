"""Sorting as a recipe: own the library, scan, recognize, predict, decide, file, tell."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Never

from classifier.catalog import library_changes, runs
from classifier.catalog.connection import Catalog, copy_in_memory, is_library
from classifier.catalog.decisions import prune_previous
from classifier.catalog.files import relink
from classifier.catalog.predictions import forget_predictions
from classifier.catalog.stats import tally_crawl
from classifier.catalog.strictness import Strictness
from classifier.errors import ModelError
from classifier.filing.executor import execute
from classifier.filing.failure_list import list_broken
from classifier.filing.known_crawls import note_named
from classifier.filing.open_library import opened
from classifier.filing.reconcile import reconcile
from classifier.filing.repair_links import remove_dangling, remove_repeated
from classifier.filing.results import Outcome, Status
from classifier.images.walk_result import Found
from classifier.model.bundle import Bundle, open_bundle
from classifier.model.versions import check_versions
from classifier.progress import Progress, SilentProgress, counted
from classifier.records import Method, Mode, Move
from classifier.settings import Settings
from classifier.sort.apply import DecisionApplier, Execute
from classifier.sort.dry_run import plan_only
from classifier.sort.embedding_writer import keeper_for
from classifier.sort.policy import Rules, rules_for
from classifier.sort.predict import predict
from classifier.sort.resume import OnChanged, SortRequest, go_on, wish_from
from classifier.sort.reuse_embeddings import recall
from classifier.sort.scan import recognize, scan
from classifier.sort.scope import scope_for
from classifier.sort.validate import checked_crawl

_MUCH_TO_REVIEW = 0.1
_MODELS_KEPT = 2
"""Models whose answers are kept: this one, and the one before, which an open page may still tell of."""


def sort(
    crawl: Path,
    *,
    library: Path,
    bundle: Path | None,
    settings: Settings,
    threshold: float | None = None,
    max_error: float | None = None,
    progress: Progress | None = None,
    plan: Callable[[str], None] | None = None,
    restart: bool = False,
    restore_deleted: bool = False,
    on_changed: OnChanged | None = None,
    is_named: bool = True,
) -> dict[str, Any]:
    """File the pictures under `crawl` into `library`; run again, it does what is new or changed.

    `bundle` None takes the library's last one; `threshold` None takes the bundle's, and `max_error` in its place finds
    those that keep that error rate. With `plan`, each move is told to it, and nothing on disk is changed. After a
    stopped sort its mode, threshold, model and sidecars win: what differs is asked of `on_changed`, or said; `restart`
    drops them. `restore_deleted` files again what a person deleted. `is_named` is False for a crawl that only the
    library's record names. Returns what `--json` prints; raises IllsortError, and a rerun goes on.
    """
    started, progress = time.monotonic(), progress or SilentProgress()
    check_versions()
    crawl, asked = checked_crawl(crawl, library), _asked(bundle, library, progress)
    with _opened_or_copied(library, progress, named=crawl if is_named else None, plan=plan) as catalog:
        wish = wish_from(settings, strictness=Strictness(threshold=threshold, max_error=max_error), bundle=bundle)
        if not restart and (stopped := runs.stopped(catalog, crawl)) is not None:
            wish, settings = go_on(wish, settings, stopped, on_changed=on_changed, progress=progress)
        model, rules = _model_and_rules(wish, settings, asked, library=library, catalog=catalog, progress=progress)
        run, found = _scanned(catalog, crawl, library, model=model, settings=settings, rules=rules, say=progress)
        make = _maker(catalog, library, run=run, plan=plan)
        if restore_deleted:
            library_changes.restore_deleted(catalog, run=run, crawl=crawl)
        settler = DecisionApplier(catalog, run=run, crawl=crawl, library=library, rules=rules, execute=make)
        if plan is None:
            dangling = remove_dangling(catalog, library, run=run, crawl=crawl, execute=make)
            settler.relinked = dangling if wish.mode is None else frozenset()
        recall(catalog, run=run, crawl=crawl, library=library, bundle=model, progress=progress)
        settler.settle_placed(progress)
        for path in _predicted(catalog, library, run=run, crawl=crawl, bundle=model, settings=settings, say=progress):
            settler.settle(upto=path)
        settler.settle_left(progress)
        if plan is None:
            _tidy(catalog, library, run=run, make=make, progress=progress)
        summary = _summary(catalog, settler, run=run, crawl=crawl, found=found, started=started, rules=rules)
        runs.finish(catalog, run, summary)
    _tell(settler, progress, offer=_offer(model, crawl, summary), dry_run=plan is not None)
    return summary


def _asked(bundle: Path | None, library: Path, progress: Progress) -> Bundle | None:
    """The model that is asked for, opened before anything is made at `library`; None: the library knows the last one.

    Raises ModelError in one line.
    """
    if bundle is None and not is_library(library):
        _refuse_never_sorted(library)
    return None if bundle is None else _opened(bundle, progress)


def _opened(bundle: Path, progress: Progress) -> Bundle:
    with progress.stage("opening the model", total=None, unit=""):
        return open_bundle(bundle)


def _model_and_rules(
    wish: SortRequest, settings: Settings, asked: Bundle | None, *, library: Path, catalog: Catalog, progress: Progress
) -> tuple[Bundle, Rules]:
    """The model that decides, and the rules by which it does; after a stopped sort not always the one `asked` for."""
    folder = wish.bundle or _last_bundle(catalog, library)
    model = asked if asked is not None and asked.folder == folder else _opened(folder, progress)
    return model, rules_for(wish, model, settings, library=library, catalog=catalog, progress=progress)


def _scanned(
    catalog: Catalog, crawl: Path, library: Path, *, model: Bundle, settings: Settings, rules: Rules, say: Progress
) -> tuple[int, Found]:
    """Begin the run and look at the crawl; the run's number, and what was found."""
    scope = scope_for(crawl, model=model, settings=settings, mode=rules.mode)
    if rules.mode is Mode.MOVE:
        note_named(catalog, library, say)
    run = _begin(catalog, crawl=crawl, model=model, settings=settings, rules=rules)
    found = scan(catalog, run=run, crawl=crawl, library=library, progress=say, scope=scope)
    recognize(catalog, run=run, crawl=crawl, progress=say)
    relink(catalog, run=run, crawl=crawl)
    return run, found


@contextmanager
def _opened_or_copied(
    library: Path, progress: Progress, *, named: Path | None, plan: Callable[[str], None] | None
) -> Iterator[Catalog]:
    """The library's catalog; a dry run writes to a copy in memory that agrees with the disk."""
    if plan is None:
        with opened(library, progress, named=named) as catalog:
            yield catalog
    else:
        with copy_in_memory(library) as catalog:
            reconcile(catalog, library)
            yield catalog


def _tidy(catalog: Catalog, library: Path, *, run: int, make: Execute, progress: Progress) -> None:
    """What is left to do once all is filed."""
    remove_repeated(catalog, library, execute=make)
    list_broken(catalog, library, progress, run=run)
    forget_predictions(catalog, runs.models_before(catalog, last=_MODELS_KEPT))
    prune_previous(catalog)


def _predicted(
    catalog: Catalog, library: Path, *, run: int, crawl: Path, bundle: Bundle, settings: Settings, say: Progress
) -> Iterator[Path]:
    """What is not known is read; the last path that is answered for, again and again."""
    keeper = keeper_for(catalog, library, bundle, settings, progress=say)
    yield from predict(catalog, run=run, crawl=crawl, bundle=bundle, settings=settings, progress=say, keeper=keeper)


def _last_bundle(catalog: Catalog, library: Path) -> Path:
    earlier = [run for run in runs.all_runs(catalog) if run.kind == "sort" and run.bundle.name]
    if not earlier:
        _refuse_never_sorted(library)
    return earlier[-1].bundle


def _refuse_never_sorted(library: Path) -> Never:
    raise ModelError(f"{library} was never sorted into: say which model with --model (make one with illsort train)")


def _begin(catalog: Catalog, *, crawl: Path, model: Bundle, settings: Settings, rules: Rules) -> int:
    chosen = settings.model_dump(mode="json", include={"sort", "images", "runtime"})
    chosen["sort"] |= {"mode": rules.mode.value, "sidecars": rules.sidecars} | _strictness(rules) | _of_unknown(rules)
    return runs.begin(
        catalog,
        kind="sort",
        crawl=crawl,
        mode=rules.mode,
        model=model.manifest.key,
        backbone=model.manifest.backbone_key or None,
        bundle=model.folder.absolute(),
        settings=chosen,
    )


def _strictness(rules: Rules) -> dict[str, Any]:
    """How sure a picture had to be, as `Strictness.recorded` reads it."""
    told, rate = rules.strictness, rules.strictness.max_error
    if rules.promise is not None:
        thresholds = dict(zip(rules.manifest.categories, rules.promise.thresholds, strict=True))
        promise = asdict(rules.promise) | {"thresholds": thresholds, "sentence": told.sentence}
        return {"threshold": rules.manifest.threshold, "max_error": rate, "promise": promise}
    recorded = {"threshold": rules.thresholds[0], "max_error": rate}
    if told.guaranteed is None:
        return recorded
    return recorded | {"no_guarantee": {"max_error": rate, "why": told.why, "sentence": told.sentence}}


def _of_unknown(rules: Rules) -> dict[str, Any]:
    """What was done with the unknown, for the record; after a stopped sort that may be what it was begun with."""
    return {"unknown": True, "unknown_share": rules.unknown_share} if rules.unknown_share else {"unknown": False}


def _maker(catalog: Catalog, library: Path, *, run: int, plan: Callable[[str], None] | None) -> Execute:
    """What makes moves; with `plan` they are only told to it."""
    if plan is not None:
        return partial(plan_only, catalog, library, plan)

    def make(moves: Sequence[Move]) -> list[Outcome]:
        return execute(catalog, library=library, run=run, moves=moves)

    return make


def _summary(
    catalog: Catalog, settler: DecisionApplier, *, run: int, crawl: Path, found: Found, started: float, rules: Rules
) -> dict[str, Any]:
    tally = tally_crawl(catalog, run=run, crawl=crawl)
    strictness = asdict(Strictness.recorded({"sort": _strictness(rules)}))
    seconds = round(time.monotonic() - started, 2)
    told = {"pictures": tally.pictures, **asdict(tally), **found.numbers(), "seconds": seconds}
    told |= {"strictness": strictness, **rules.strictness.told}
    # What could not be moved has failed, and yet is counted where it lies.
    not_moved = settler.not_moved.total()
    return told | {"failed": tally.failed + not_moved, "not_moved": not_moved}


def _offer(model: Bundle, crawl: Path, summary: dict[str, Any]) -> str:
    """A model that learned from labels alone may learn from this crawl too, which asks nothing of a person."""
    trained = model.manifest.settings.get("train", {})
    learned_alone = trained.get("recipe") == "finetune" and trained.get("unlabelled") is None
    if not learned_alone or summary["review"] <= _MUCH_TO_REVIEW * summary["pictures"]:
        return ""
    return f"this model learned from labels alone; trained with --set train.unlabelled={crawl} it usually files more"


def _tell(settler: DecisionApplier, progress: Progress, *, offer: str, dry_run: bool) -> None:
    """What a person should know beyond the numbers."""
    if offer:
        progress.say(offer)
    for why, count in settler.copied_instead.items():
        progress.say(f"{counted(count, 'picture')} {'to be ' if dry_run else ''}copied, not linked: {why}")
    for reason, count in settler.not_moved.most_common():
        progress.say(
            f"{counted(count, 'picture')} {'can' if dry_run else 'could'} not be moved, left in place: {reason}"
        )
    left = [outcome for outcome in settler.troubles if outcome.move.method is Method.RENAME]
    if left:
        progress.say(f"{counted(len(left), 'picture')} left where you put {'it' if len(left) == 1 else 'them'}")
    for outcome in [outcome for outcome in settler.troubles if outcome.move.method is not Method.RENAME]:
        progress.say(f"{outcome.move.source.path}: not filed: {outcome.reason or Status(outcome.status)}")
