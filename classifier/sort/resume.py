"""Resumes an interrupted sort with its own options, unless a person prefers those given now.

A forgotten `--mode` must not leave a crawl half moved and half linked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from classifier.catalog.runs import InterruptedRun
from classifier.catalog.strictness import Strictness
from classifier.errors import Message, ModelError
from classifier.model.bundle import Bundle, open_bundle
from classifier.paths import quoted
from classifier.progress import Progress
from classifier.records import Duplicates, Mode
from classifier.settings import Settings, SortSettings, excluding

OnChanged = Callable[[Message], bool]
"""Asks a person the given question; true means that the interrupted run continues as it was begun."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SortRequest:
    """The requested options; None where none was given."""

    mode: Mode | None
    strictness: Strictness
    bundle: Path | None
    sidecars: bool | None
    duplicates: Duplicates | None
    unknown_share: float | None
    """The share of images like the labels that may count as unknown, 0..0.5; with 0 none does."""
    best: bool = False
    """Whether the least error rate that can be guaranteed may take the place of the requested one."""
    answers: str | None = None
    """The path or URL of answers to take."""


def request_from(
    settings: Settings,
    *,
    threshold: float | None,
    max_error: float | None,
    best: bool,
    bundle: Path | None,
    answers: str | None = None,
) -> SortRequest:
    """What `settings` and the caller request; a default that was not set explicitly counts as not requested."""
    sort, explicit = settings.sort, settings.sort.model_fields_set
    return SortRequest(
        mode=sort.mode if "mode" in explicit else None,
        strictness=Strictness(threshold=threshold, max_error=max_error),
        bundle=bundle,
        sidecars=sort.sidecars if "sidecars" in explicit else None,
        duplicates=sort.duplicates if "duplicates" in explicit else None,
        unknown_share=unknown_share(sort) if explicit & {"unknown", "unknown_share"} else None,
        best=best,
        answers=answers,
    )


def unknown_share(settings: SortSettings) -> float:
    """The two settings about unknown images as one number: 0 when none is to be unknown."""
    return settings.unknown_share if settings.unknown else 0.0


def resume(
    request: SortRequest,
    settings: Settings,
    interrupted: InterruptedRun,
    *,
    on_changed: OnChanged | None,
    progress: Progress,
) -> tuple[SortRequest, Settings]:
    """The request to sort with, as `_resolved` chooses it, and settings that exclude what the interrupted run did."""
    forgotten = [pattern for pattern in interrupted.exclude if pattern not in settings.images.exclude]
    if forgotten:
        progress.say(
            Message(
                "the stopped run excluded {patterns}: it goes on with that; --restart drops it",
                patterns=", ".join(forgotten),
            )
        )
    return _resolved(request, interrupted, on_changed=on_changed, progress=progress), excluding(settings, forgotten)


def _resolved(
    request: SortRequest, interrupted: InterruptedRun, *, on_changed: OnChanged | None, progress: Progress
) -> SortRequest:
    """`request`, with the interrupted run's values where nothing is requested.

    Where both have values that differ, `on_changed` is asked; without it, or when it returns true, the interrupted
    run's values are used. If its model is no longer in its folder, the model that is there now is used if `on_changed`
    agrees. Raises ModelError if it does not.
    """
    requested = None if request.bundle is None else open_bundle(request.bundle)
    bundle = _recorded_bundle(requested, interrupted)
    recorded = SortRequest(
        mode=Mode(interrupted.mode),
        strictness=interrupted.strictness,
        bundle=bundle or (interrupted.bundle if requested is None else requested.folder),
        sidecars=interrupted.sidecars,
        duplicates=Duplicates(interrupted.duplicates),
        unknown_share=interrupted.unknown_share,
        answers=request.answers or interrupted.answers,  # both say the same of a picture, so nobody is asked
    )
    changed = _changed(request, requested if bundle else None, interrupted)
    if bundle is None:
        _take_another_model(recorded, interrupted, on_changed=on_changed, progress=progress)
    return _chosen(request, recorded, changed, interrupted, on_changed=on_changed, progress=progress)


def _take_another_model(
    recorded: SortRequest, interrupted: InterruptedRun, *, on_changed: OnChanged | None, progress: Progress
) -> None:
    """Agree on the model of `recorded` in place of the interrupted run's, which is gone."""
    now = open_bundle(recorded.bundle or interrupted.bundle).folder
    gone = Message(
        "the model of the stopped run is no longer in {folder} (it was trained again, or removed)",
        folder=interrupted.bundle,
    )
    given = {"why": gone, "model": now, "option": interrupted.strictness.option}
    if on_changed is None:
        progress.say(
            Message("{why}: it goes on with --model {model}, which decides everything again, at {option}", **given)
        )
    elif not on_changed(
        Message("{why}; go on with --model {model}, which decides everything again, at {option}?", **given)
    ):
        raise ModelError("{why}; give another one with --model, or --restart to begin anew", why=gone)


def _chosen(
    request: SortRequest,
    recorded: SortRequest,
    changed: list[tuple[str, str]],
    interrupted: InterruptedRun,
    *,
    on_changed: OnChanged | None,
    progress: Progress,
) -> SortRequest:
    """`recorded`, or `request` if a person prefers it; says which."""
    if not changed:
        options = f"--mode {interrupted.mode}"
        if interrupted.sidecars:
            options = Message("{options} and {more}", options=options, more=_sidecars_option(interrupted.sidecars))
        if recorded.answers:
            options = Message("{options} and {more}", options=options, more=_answers_option(recorded.answers))
        progress.say(Message("the last sort of this crawl was stopped: it goes on with {options}", options=options))
        return recorded
    was, now = (", ".join(words) for words in zip(*changed, strict=True))
    if on_changed is None:
        progress.say(
            Message(
                "the stopped run had {was}: it goes on with that, not with {now}; --restart takes what is given now",
                was=was,
                now=now,
            )
        )
        return recorded
    if on_changed(Message("the stopped run had {was}, now it is {now}; go on as it was begun?", was=was, now=now)):
        return recorded
    return SortRequest(
        mode=request.mode or recorded.mode,
        strictness=request.strictness if request.strictness.option else recorded.strictness,
        bundle=request.bundle or recorded.bundle,
        sidecars=recorded.sidecars if request.sidecars is None else request.sidecars,
        duplicates=request.duplicates or recorded.duplicates,
        unknown_share=recorded.unknown_share if request.unknown_share is None else request.unknown_share,
        best=request.best,
        answers=recorded.answers,
    )


def _changed(request: SortRequest, requested: Bundle | None, interrupted: InterruptedRun) -> list[tuple[str, str]]:
    """The options that differ: as they were, and as they are requested now."""
    changed = []
    if request.mode is not None and request.mode.value != interrupted.mode:
        changed.append((f"--mode {interrupted.mode}", f"--mode {request.mode.value}"))
    if _is_other_strictness(request, interrupted.strictness):
        changed.append((interrupted.strictness.option, request.strictness.option))
    if request.sidecars is not None and request.sidecars != interrupted.sidecars:
        changed.append((_sidecars_option(interrupted.sidecars), _sidecars_option(request.sidecars)))
    if request.duplicates is not None and request.duplicates.value != interrupted.duplicates:
        changed.append((_duplicates_option(interrupted.duplicates), _duplicates_option(request.duplicates)))
    if (
        None not in {request.unknown_share, interrupted.unknown_share}
        and request.unknown_share != interrupted.unknown_share
    ):
        changed.append((_unknown_option(interrupted.unknown_share), _unknown_option(request.unknown_share)))
    if requested is not None and requested.manifest.key != interrupted.model:
        changed.append((f"--model {interrupted.bundle}", f"--model {requested.folder} (another model)"))
    return changed


def _is_other_strictness(request: SortRequest, before: Strictness) -> bool:
    if request.best and before.asked is not None:
        return request.strictness.max_error not in {before.asked, before.max_error}
    return request.strictness.option not in {"", before.option}


def _sidecars_option(sidecars: bool) -> str:
    return f"--set sort.sidecars={'true' if sidecars else 'false'}"


def _duplicates_option(duplicates: str) -> str:
    return f"--set sort.duplicates={duplicates}"


def _unknown_option(share: float | None) -> str:
    return f"--set sort.unknown_share={share:g}" if share else "--set sort.unknown=false"


def _answers_option(answers: str) -> str:
    return f"--answers {quoted(answers)}"


def _recorded_bundle(requested: Bundle | None, interrupted: InterruptedRun) -> Path | None:
    """The folder of the interrupted run's model, which may have been moved; None when it is gone."""
    if requested is not None and requested.manifest.key == interrupted.model:
        return requested.folder
    try:
        found = open_bundle(interrupted.bundle)
    except ModelError:
        return None
    return found.folder if found.manifest.key == interrupted.model else None
