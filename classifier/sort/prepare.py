"""What a sort and a preview do first: open the model, resolve the policy, begin the run, and scan the crawl."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Never

from classifier.catalog import runs
from classifier.catalog.connection import Catalog, is_library
from classifier.decision.policy import Policy
from classifier.errors import Message, ModelError
from classifier.filing.manual_changes import adopt_labels
from classifier.filing.path_scope import record_named_crawls
from classifier.filing.symlink_right import check_symlink_right
from classifier.images.walk_result import WalkResult
from classifier.model.bundle import Bundle, open_bundle
from classifier.model.onnx_cache import check_engine
from classifier.model.weights import check_versions
from classifier.progress import Progress, SilentProgress
from classifier.records import Mode
from classifier.settings import Settings
from classifier.sort.given_answers import checked_answers, take_given_answers, with_usable_answers
from classifier.sort.given_options import GIVEN, given_options, strictness_words
from classifier.sort.resolve_policy import of_library, resolve_policy, with_least_rate
from classifier.sort.resume import OnChanged, SortRequest, request_from, resume
from classifier.sort.scan import (
    checked_crawl,
    holds_labels,
    recognize,
    refuse_in_labels,
    refuse_model,
    scan,
    scope_for_sort,
)
from classifier.sort.spread_answers import will_spread

if TYPE_CHECKING:
    from classifier.model.holdout import HoldoutPredictions


@dataclass(frozen=True, slots=True, kw_only=True)
class Requested:
    """What is asked of a sort or a preview, with its paths checked; `model` None means the library's last one."""

    crawl: Path
    library: Path
    request: SortRequest
    model: Bundle | None
    settings: Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A run that has begun, and what decides in it: the requested options, or those of the sort that it resumes."""

    run: int
    crawl: Path
    library: Path
    request: SortRequest
    settings: Settings
    model: Bundle
    policy: Policy
    found: WalkResult
    is_spread: bool = False
    """Whether its answers are to be spread before anything is decided; the policy follows from them then."""


def requested(
    crawl: Path,
    *,
    library: Path,
    bundle: Path | None,
    settings: Settings,
    threshold: float | None,
    max_error: float | None,
    best: bool,
    answers: str | None,
    progress: Progress,
    is_named: bool,
    says_paths: bool,
) -> Requested:
    """Check everything that is named before anything is made at `library`, and with `says_paths` say what it is.

    Raises ModelError in one line when the model cannot be opened, a package is too old, or one that is asked for is not
    installed; CrawlError or LibraryError when the paths cannot be, or a named crawl would be sorted into a model;
    StorageError where there are no `answers` of the model.
    """
    check_versions()
    check_engine(settings.runtime.engine)
    checked = checked_crawl(crawl, library)
    model = _requested_model(bundle, library, progress, is_named=is_named)
    answers = None if answers is None else checked_answers(answers, model)
    if says_paths:
        progress.say(Message("sorting {crawl} into {library}", crawl=crawl, library=library))
    return Requested(
        crawl=checked,
        library=library,
        request=request_from(
            settings, threshold=threshold, max_error=max_error, best=best, bundle=bundle, answers=answers
        ),
        model=model,
        settings=settings,
    )


def _requested_model(bundle: Path | None, library: Path, progress: Progress, *, is_named: bool) -> Bundle | None:
    if bundle is None:
        return None if is_library(library) else _refuse_never_sorted(library)
    model = _open(bundle, progress)
    if is_named:
        refuse_model(library)
        refuse_in_labels(library, model)
    return model


def prepare(
    catalog: Catalog,
    asked: Requested,
    *,
    kind: str,
    progress: Progress,
    restart: bool = False,
    restore_deleted: bool = False,
    on_changed: OnChanged | None = None,
) -> Prepared:
    """Begin a run, and record the images of the crawl and which of them are known.

    `kind` is that of a sort or of a preview. Raises StorageError in one line for answers given now that are of no use.
    """
    crawl, library, request, settings = asked.crawl, asked.library, asked.request, asked.settings
    given_answers, interrupted = request.answers, runs.interrupted_run(catalog, crawl)
    resumed = None if restart else interrupted
    if resumed is not None:
        request, settings = resume(request, settings, resumed, on_changed=on_changed, progress=progress)
    model = _model_for(request, asked.model, catalog, library, progress)
    request = with_usable_answers(request, given=given_answers, model=model, progress=progress)
    is_spread = will_spread(model, settings)
    quiet = SilentProgress() if is_spread else progress  # it is resolved again by what the answers come to
    holdout = model.load_holdout()
    rated, policy = _resolved(request, model, settings, holdout, library=library, catalog=catalog, progress=quiet)
    if holds_labels(library, model):
        names, limit = model.manifest.categories, settings.images.max_megapixels
        adopt_labels(catalog, library, names, max_megapixels=limit, progress=progress)
    scope = scope_for_sort(crawl, model=model, settings=settings, mode=policy.mode)
    _prepare_mode(catalog, library, policy.mode, kind=kind, progress=progress)
    restarts, resumes = interrupted is not None and restart, resumed is not None
    given = given_options(rated, settings, restart=restarts, resumes=resumes, restore_deleted=restore_deleted)
    run = _begin(catalog, kind=kind, crawl=crawl, model=model, settings=settings, policy=policy, given=given)
    found = scan(catalog, run=run, crawl=crawl, library=library, progress=progress, scope=scope)
    ready = Prepared(
        run=run,
        crawl=crawl,
        library=library,
        request=request,
        settings=settings,
        model=model,
        policy=policy,
        found=found,
        is_spread=is_spread,
    )
    # Before what is known is looked for by content, which reads it.
    take_given_answers(catalog, ready, given=given_answers, progress=progress)
    recognize(catalog, run=run, crawl=crawl, progress=progress)
    return ready


def _prepare_mode(catalog: Catalog, library: Path, mode: Mode, *, kind: str, progress: Progress) -> None:
    if mode is Mode.SYMLINK:
        check_symlink_right()
    if mode is Mode.MOVE and kind == runs.SORT:
        record_named_crawls(catalog, library, progress)


def resolved_again(
    catalog: Catalog, ready: Prepared, holdout: HoldoutPredictions | None, progress: Progress
) -> Prepared:
    """The run with the policy that suits its answers once they are spread, also as it is recorded."""
    request, policy = _resolved(
        ready.request, ready.model, ready.settings, holdout, library=ready.library, catalog=catalog, progress=progress
    )
    given = runs.settings_of(catalog, ready.run).get(GIVEN, {}) | {"strictness": strictness_words(request)}
    runs.set_settings(catalog, ready.run, _recorded(ready.settings, policy, given))
    return replace(ready, policy=policy)


def _resolved(
    request: SortRequest,
    model: Bundle,
    settings: Settings,
    holdout: HoldoutPredictions | None,
    *,
    library: Path,
    catalog: Catalog,
    progress: Progress,
) -> tuple[SortRequest, Policy]:
    rated = with_least_rate(request, model, holdout)
    of = of_library(catalog, library, model)
    policy = resolve_policy(rated, model, settings, holdout=holdout, of=of, progress=progress)
    return rated, policy


def _begin(
    catalog: Catalog,
    *,
    kind: str,
    crawl: Path,
    model: Bundle,
    settings: Settings,
    policy: Policy,
    given: dict[str, Any],
) -> int:
    return runs.begin(
        catalog,
        kind=kind,
        crawl=crawl,
        mode=policy.mode,
        model=model.manifest.key,
        backbone=model.manifest.backbone_key or None,
        bundle=model.folder.absolute(),
        settings=_recorded(settings, policy, given),
    )


def _recorded(settings: Settings, policy: Policy, given: dict[str, Any]) -> dict[str, Any]:
    recorded = settings.model_dump(
        mode="json", include={"sort", "images", "runtime"}, exclude={"sort": {"crawl", "library"}}
    )
    recorded["sort"] |= policy.settings()
    return recorded | {GIVEN: given}


def _open(bundle: Path, progress: Progress) -> Bundle:
    with progress.stage(Message("opening the model"), total=None, unit=""):
        return open_bundle(bundle)


def _model_for(
    request: SortRequest, requested: Bundle | None, catalog: Catalog, library: Path, progress: Progress
) -> Bundle:
    """The model that decides; after an interrupted sort not always the requested one."""
    folder = request.bundle or _last_bundle(catalog, library)
    return requested if requested is not None and requested.folder == folder else _open(folder, progress)


def _last_bundle(catalog: Catalog, library: Path) -> Path:
    """The model of the last sort, or of the last preview where nothing was sorted yet."""
    earlier = [run for run in runs.all_runs(catalog) if run.kind in {runs.SORT, runs.PREVIEW} and run.bundle.name]
    if not earlier:
        _refuse_never_sorted(library)
    return max(earlier, key=lambda run: (run.kind == runs.SORT, run.id)).bundle


def _refuse_never_sorted(library: Path) -> Never:
    raise ModelError(
        "{library} was never sorted into: say which model with --model (make one with illsort train)", library=library
    )
