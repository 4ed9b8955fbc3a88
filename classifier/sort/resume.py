"""After a stopped sort: what it was asked for wins over what is asked for now, unless a person says otherwise.

A forgotten `--mode` must not leave a crawl half moved and half linked. Must not know how a person is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from classifier.catalog.runs import InterruptedRun
from classifier.catalog.strictness import Strictness
from classifier.errors import ModelError
from classifier.model.bundle import Bundle, open_bundle
from classifier.progress import Progress
from classifier.records import Mode
from classifier.settings import Settings, SortSettings, excluding

OnChanged = Callable[[str], bool]
"""Given a question, whether the stopped run goes on as it was begun."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SortRequest:
    """What the caller asks for; None where nothing was said."""

    mode: Mode | None
    asked: Strictness
    bundle: Path | None
    sidecars: bool | None
    unknown_share: float | None
    """The share of pictures like the labels that may count as unknown, 0..0.5; 0: none does."""


def wish_from(settings: Settings, *, strictness: Strictness, bundle: Path | None) -> SortRequest:
    """What `settings` and the caller ask for; only what was said in so many words counts as asked for."""
    asked, said = settings.sort, settings.sort.model_fields_set
    return SortRequest(
        mode=asked.mode if "mode" in said else None,
        asked=strictness,
        bundle=bundle,
        sidecars=asked.sidecars if "sidecars" in said else None,
        unknown_share=unknown_share(asked) if said & {"unknown", "unknown_share"} else None,
    )


def unknown_share(asked: SortSettings) -> float:
    """The two settings about the unknown in one number: 0 when nothing is to be taken for it."""
    return asked.unknown_share if asked.unknown else 0.0


def go_on(
    wish: SortRequest, settings: Settings, stopped: InterruptedRun, *, on_changed: OnChanged | None, progress: Progress
) -> tuple[SortRequest, Settings]:
    """What to sort with, as `resumed` says, and settings that exclude what the stopped run did."""
    forgotten = [pattern for pattern in stopped.exclude if pattern not in settings.images.exclude]
    if forgotten:
        progress.say(f"the stopped run excluded {', '.join(forgotten)}: it goes on with that; --restart drops it")
    return resumed(wish, stopped, on_changed=on_changed, progress=progress), excluding(settings, forgotten)


def resumed(
    wish: SortRequest, stopped: InterruptedRun, *, on_changed: OnChanged | None, progress: Progress
) -> SortRequest:
    """What to sort with: `wish`, and the stopped run's values where nothing was said.

    Where both speak and differ, `on_changed` is asked; without it, and when it says yes, the stopped run's values win.
    A model that is no longer in its folder cannot win: the one that is there now takes its place, if `on_changed`
    agrees, and that is said. Raises ModelError when it does not.
    """
    asked = None if wish.bundle is None else open_bundle(wish.bundle)
    bundle = _recorded_bundle(asked, stopped)
    recorded = SortRequest(
        mode=Mode(stopped.mode),
        asked=stopped.asked,
        bundle=bundle or (stopped.bundle if asked is None else asked.folder),
        sidecars=stopped.sidecars,
        unknown_share=stopped.unknown_share,
    )
    changed = _changed(wish, asked if bundle else None, stopped)
    if bundle is None:
        _take_another_model(recorded, stopped, on_changed=on_changed, progress=progress)
    return _chosen(wish, recorded, changed, stopped, on_changed=on_changed, progress=progress)


def _take_another_model(
    recorded: SortRequest, stopped: InterruptedRun, *, on_changed: OnChanged | None, progress: Progress
) -> None:
    """Agree on the model of `recorded`, for the stopped run's own is gone; everything is decided again by it."""
    now = open_bundle(recorded.bundle or stopped.bundle).folder
    gone = f"the model of the stopped run is no longer in {stopped.bundle} (it was trained again, or removed)"
    if on_changed is None:
        progress.say(
            f"{gone}: it goes on with --model {now}, which decides everything again, at {stopped.asked.option}"
        )
    elif not on_changed(
        f"{gone}; go on with --model {now}, which decides everything again, at {stopped.asked.option}?"
    ):
        raise ModelError(f"{gone}; give another one with --model, or --restart to begin anew")


def _chosen(
    wish: SortRequest,
    recorded: SortRequest,
    changed: list[tuple[str, str]],
    stopped: InterruptedRun,
    *,
    on_changed: OnChanged | None,
    progress: Progress,
) -> SortRequest:
    """`recorded`, or `wish` where a person says so; what is taken is said."""
    if not changed:
        too = f" and {_as_option(stopped.sidecars)}" if stopped.sidecars else ""
        progress.say(f"the last sort of this crawl was stopped: it goes on with --mode {stopped.mode}{too}")
        return recorded
    was, now = (", ".join(words) for words in zip(*changed, strict=True))
    if on_changed is None:
        progress.say(
            f"the stopped run had {was}: it goes on with that, not with {now}; --restart takes what is given now"
        )
        return recorded
    if on_changed(f"the stopped run had {was}, now it is {now}; go on as it was begun?"):
        return recorded
    return SortRequest(
        mode=wish.mode or recorded.mode,
        asked=wish.asked if wish.asked.option else recorded.asked,
        bundle=wish.bundle or recorded.bundle,
        sidecars=recorded.sidecars if wish.sidecars is None else wish.sidecars,
        unknown_share=recorded.unknown_share if wish.unknown_share is None else wish.unknown_share,
    )


def _changed(wish: SortRequest, asked: Bundle | None, stopped: InterruptedRun) -> list[tuple[str, str]]:
    """What differs: as it was, and as it is asked for now."""
    changed = []
    if wish.mode is not None and wish.mode.value != stopped.mode:
        changed.append((f"--mode {stopped.mode}", f"--mode {wish.mode.value}"))
    if wish.asked.option not in {"", stopped.asked.option}:
        changed.append((stopped.asked.option, wish.asked.option))
    if wish.sidecars is not None and wish.sidecars != stopped.sidecars:
        changed.append((_as_option(stopped.sidecars), _as_option(wish.sidecars)))
    if None not in {wish.unknown_share, stopped.unknown_share} and wish.unknown_share != stopped.unknown_share:
        changed.append((_of_unknown(stopped.unknown_share), _of_unknown(wish.unknown_share)))
    if asked is not None and asked.manifest.key != stopped.model:
        changed.append((f"--model {stopped.bundle}", f"--model {asked.folder} (another model)"))
    return changed


def _as_option(sidecars: bool) -> str:
    return f"--set sort.sidecars={'true' if sidecars else 'false'}"


def _of_unknown(share: float | None) -> str:
    return f"--set sort.unknown_share={share:g}" if share else "--set sort.unknown=false"


def _recorded_bundle(asked: Bundle | None, stopped: InterruptedRun) -> Path | None:
    """Where the stopped run's model is: it may be in another folder now. None when it is gone."""
    if asked is not None and asked.manifest.key == stopped.model:
        return asked.folder
    try:
        found = open_bundle(stopped.bundle)
    except ModelError:
        return None
    return found.folder if found.manifest.key == stopped.model else None
