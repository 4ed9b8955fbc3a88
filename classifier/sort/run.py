"""Sorting as a recipe: own the library, scan, recognise, predict, decide, file, tell."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from classifier.catalogue import audits, decisions, files, runs
from classifier.catalogue.adopt import adopt
from classifier.catalogue.lock import owned
from classifier.catalogue.store import Catalogue, copy_in_memory, open_catalogue
from classifier.errors import LibraryError, ModelError
from classifier.filing.engine import execute
from classifier.filing.listing import write_listing
from classifier.filing.outcome import Outcome, Status
from classifier.filing.recover import recover
from classifier.model.bundle import Bundle, open_bundle
from classifier.model.promise import Promise, promise
from classifier.model.versions import check_versions
from classifier.progress import Progress, SilentProgress
from classifier.records import Method, Move
from classifier.settings import Settings
from classifier.sort.check import checked_crawl
from classifier.sort.plan import plan_only
from classifier.sort.predict import predict
from classifier.sort.resume import OnChanged, Wish, resumed
from classifier.sort.scan import recognise, scan
from classifier.sort.settle import Rules, Settler

BROKEN_LISTING = "_broken.csv"

_NEVER = 2.0
"""A threshold that no probability reaches."""
_STRANGE = 2.0
"""Pictures hardly like any labelled one: twice the share that is called unknown, those included."""


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
    on_changed: OnChanged | None = None,
) -> dict[str, Any]:
    """File the pictures under `crawl` into `library`; run again, it does what is new or changed.

    `bundle` None takes the one that the library was last sorted with; `threshold` None takes the bundle's, and
    `max_error` in its place finds thresholds that keep that error rate, by labelled pictures of the bundle. With
    `plan`, each move is told to it, in a line, and nothing on disk is made or changed. After a stopped sort its mode,
    threshold, model and sidecars win: what differs is asked of `on_changed`, or said; `restart` drops them. Returns
    the summary that `--json` prints. Raises IllsortError in one line; what is done by then is recorded, and a rerun
    goes on.
    """
    started, progress = time.monotonic(), progress or SilentProgress()
    check_versions()
    crawl = checked_crawl(crawl, library)
    with _opened(library, progress, dry=plan is not None) as catalogue:
        wish = _wish(settings, threshold=threshold, max_error=max_error, bundle=bundle)
        stopped = None if restart else runs.stopped(catalogue, crawl)
        if stopped is not None:
            wish = resumed(wish, stopped, on_changed=on_changed, progress=progress)
        model = open_bundle(wish.bundle or _last_bundle(catalogue, library))
        rules = _as_agreed(_rules(wish, model, settings, progress), wish, catalogue, progress)
        run = _begin(catalogue, crawl=crawl, model=model, settings=settings, rules=rules)
        scan(catalogue, run=run, crawl=crawl, library=library, progress=progress)
        recognise(catalogue, run=run, crawl=crawl, progress=progress)
        adopt(catalogue, run=run, crawl=crawl)
        make = partial(_execute, catalogue, library, run)
        if plan is not None:
            make = partial(plan_only, catalogue, library, plan)
        settler = Settler(catalogue, run=run, crawl=crawl, library=library, rules=rules, execute=make)
        for path in predict(catalogue, run=run, crawl=crawl, bundle=model, settings=settings, progress=progress):
            settler.settle(upto=path)
        with progress.stage("filing", total=settler.count_left(), unit="picture") as stage:
            settler.settle(upto=None, stage=stage)
        if plan is None:
            _list_broken(catalogue, library, progress)
        summary = _summary(catalogue, run=run, crawl=crawl, seconds=time.monotonic() - started, rules=rules)
        runs.finish(catalogue, run, summary)
    _tell(settler, progress)
    return summary


@contextmanager
def _opened(library: Path, progress: Progress, *, dry: bool) -> Iterator[Catalogue]:
    """The library's catalogue, owned and recovered; for a dry run, a copy of it in memory."""
    with ExitStack() as stack:
        if dry:
            yield stack.enter_context(copy_in_memory(library))
            return
        stack.enter_context(owned(library))
        catalogue = stack.enter_context(open_catalogue(library))
        settled = recover(catalogue, library)
        if settled.rebuilt:
            progress.say(
                f"the catalogue was lost: {settled.rebuilt:,} changes were read from the plain record beside it"
            )
        if settled.done or settled.cancelled:
            progress.say(f"the last run was stopped: {settled.done + settled.cancelled} open moves were settled")
        for path in settled.gone:
            progress.say(f"{path}: was being filed when the last run was stopped, and is neither there nor here")
        yield catalogue


def _wish(settings: Settings, *, threshold: float | None, max_error: float | None, bundle: Path | None) -> Wish:
    asked, said = settings.sort, settings.sort.model_fields_set
    return Wish(
        mode=asked.mode if "mode" in said else None,
        threshold=threshold,
        max_error=max_error,
        bundle=bundle,
        sidecars=asked.sidecars if "sidecars" in said else None,
    )


def _rules(wish: Wish, model: Bundle, settings: Settings, progress: Progress) -> Rules:
    promised = None if wish.max_error is None else _promise(model, wish.max_error)
    if promised is not None:
        progress.say(f"{promised.sentence}; of those, {promised.coverage:.0%} would be filed")
    threshold = wish.threshold or model.manifest.threshold
    unknown_from, strange_from = _unlike(model, settings)
    return Rules(
        manifest=model.manifest,
        thresholds=(threshold,) * len(model.manifest.categories) if promised is None else _in_numbers(promised),
        promise=promised,
        mode=wish.mode or settings.sort.mode,
        sidecars=settings.sort.sidecars if wish.sidecars is None else wish.sidecars,
        unknown_from=unknown_from,
        strange_from=math.inf if promised is None else strange_from,  # a promise is for pictures like the labels
    )


def _unlike(model: Bundle, settings: Settings) -> tuple[float, float]:
    """From which novelty on a picture is unknown, and from which on a person is to look."""
    novelty = model.load_novelty() if settings.sort.unknown else None
    if novelty is None:
        return math.inf, math.inf
    share = settings.sort.unknown_share
    return novelty.cut(share), novelty.cut(max(share, min(_STRANGE * share, 0.5)))


def _as_agreed(rules: Rules, wish: Wish, catalogue: Catalogue, progress: Progress) -> Rules:
    """What a person agreed to after an audit of this model's filing holds on, until something else is asked for."""
    asked = wish.threshold is not None or wish.max_error is not None
    agreed = None if asked else audits.agreed_threshold(catalogue, model=rules.manifest.key)
    if agreed is None:
        return rules
    progress.say(f"nothing below {agreed:.4g} is filed, as agreed after the audit; --threshold takes another")
    return replace(rules, thresholds=tuple(max(agreed, threshold) for threshold in rules.thresholds))


def _promise(model: Bundle, max_error: float) -> Promise:
    evidence = model.load_evidence()
    if evidence is None:
        raise ModelError(
            f"{model.folder}: was trained by an illsort that kept nothing to promise an error rate by; train again"
        )
    manifest = model.manifest
    return promise(evidence, categories=manifest.categories, temperature=manifest.temperature, max_error=max_error)


def _in_numbers(promised: Promise) -> tuple[float, ...]:
    return tuple(_NEVER if threshold is None else threshold for threshold in promised.thresholds)


def _last_bundle(catalogue: Catalogue, library: Path) -> Path:
    earlier = [run for run in runs.all_runs(catalogue) if run.kind == "sort" and run.bundle.name]
    if not earlier:
        raise ModelError(f"{library} was never sorted into: say which model with --model (make one with illsort train)")
    return earlier[-1].bundle


def _begin(catalogue: Catalogue, *, crawl: Path, model: Bundle, settings: Settings, rules: Rules) -> int:
    chosen = settings.model_dump(mode="json", include={"sort", "images", "runtime"})
    chosen["sort"] |= {"mode": rules.mode.value, "sidecars": rules.sidecars} | _surety(rules)
    return runs.begin(
        catalogue,
        kind="sort",
        crawl=crawl,
        mode=rules.mode,
        model=model.manifest.key,
        bundle=model.folder.absolute(),
        settings=chosen,
    )


def _surety(rules: Rules) -> dict[str, Any]:
    """How sure a picture had to be, for the record."""
    if rules.promise is None:
        return {"threshold": rules.thresholds[0], "max_error": None}
    thresholds = dict(zip(rules.manifest.categories, rules.promise.thresholds, strict=True))
    told = asdict(rules.promise) | {"thresholds": thresholds, "sentence": rules.promise.sentence}
    return {"threshold": rules.manifest.threshold, "max_error": rules.promise.max_error, "promise": told}


def _execute(catalogue: Catalogue, library: Path, run: int, moves: Sequence[Move]) -> list[Outcome]:
    return execute(catalogue, library=library, run=run, moves=moves)


def _list_broken(catalogue: Catalogue, library: Path, progress: Progress) -> None:
    rows = [(path, failure.kind.value, failure.detail) for path, failure in files.failures(catalogue)]
    try:
        write_listing(catalogue, library=library, name=BROKEN_LISTING, rows=rows)
    except LibraryError as error:  # a file of the person's own, or ours saved anew by a spreadsheet: it stays
        progress.say(f"{error}; the list of unreadable pictures is in illsort status")


def _summary(catalogue: Catalogue, *, run: int, crawl: Path, seconds: float, rules: Rules) -> dict[str, Any]:
    tally = decisions.tally(catalogue, run=run, crawl=crawl)
    promised = {} if rules.promise is None else {"promise": rules.promise.sentence}
    return {"pictures": tally.pictures, **asdict(tally), "seconds": round(seconds, 2), **promised}


def _tell(settler: Settler, progress: Progress) -> None:
    """What a person should know beyond the numbers."""
    if settler.copied_instead:
        progress.say(f"{settler.copied_instead:,} pictures were copied: this file system cannot link them")
    left = [outcome for outcome in settler.troubles if outcome.move.method is Method.RENAME]
    if left:
        progress.say(f"{len(left):,} pictures lie where you put them and were left there")
    for outcome in [outcome for outcome in settler.troubles if outcome.move.method is not Method.RENAME]:
        progress.say(f"{outcome.move.source.path}: not filed: {outcome.reason or Status(outcome.status)}")
