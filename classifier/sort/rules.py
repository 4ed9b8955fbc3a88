"""What decides where the pictures of a sort go: from what is asked for, the model, and what an audit agreed to."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from classifier.catalogue import audits
from classifier.catalogue.categories import Names, read_names
from classifier.catalogue.store import Catalogue
from classifier.errors import ModelError
from classifier.model.bundle import Bundle
from classifier.model.manifest import Manifest
from classifier.model.promise import Promise, promise
from classifier.progress import Progress
from classifier.records import Mode
from classifier.settings import Settings
from classifier.sort.resume import Wish, unknown_share

_NEVER = 2.0
"""A threshold that no probability reaches."""
_STRANGE = 2.0
"""Pictures hardly like any labelled one: twice the share that is called unknown, those included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What decides where pictures go.

    `thresholds` has one for each category, in the manifest's order: those of `promise`, if there is one.
    """

    manifest: Manifest
    thresholds: tuple[float, ...]
    mode: Mode
    promise: Promise | None = None
    sidecars: bool = False
    unknown_share: float = 0.0
    """The share of pictures like the labels that may count as unknown; 0: none does."""
    unknown_from: float = math.inf
    """How unlike every labelled picture one must be to be taken for none of the categories."""
    strange_from: float = math.inf
    """How unlike them one must be for a person to look."""
    names: Names = field(default_factory=Names)
    """What a person calls the manifest's categories by now."""


def rules_for(wish: Wish, model: Bundle, settings: Settings, *, catalogue: Catalogue, progress: Progress) -> Rules:
    """The rules of one sort. Raises SettingsError or ModelError in one line when an error rate cannot be promised."""
    promised = None if wish.max_error is None else _promise(model, wish.max_error)
    if promised is not None:
        progress.say(f"{promised.sentence}; of those, {promised.coverage:.0%} would be filed")
    threshold = wish.threshold or model.manifest.threshold
    share = unknown_share(settings.sort) if wish.unknown_share is None else wish.unknown_share
    unknown_from, strange_from = _unlike(model, share)
    rules = Rules(
        manifest=model.manifest,
        thresholds=(threshold,) * len(model.manifest.categories) if promised is None else _in_numbers(promised),
        promise=promised,
        mode=wish.mode or settings.sort.mode,
        sidecars=settings.sort.sidecars if wish.sidecars is None else wish.sidecars,
        unknown_share=share,
        unknown_from=unknown_from,
        strange_from=math.inf if promised is None else strange_from,  # a promise is for pictures like the labels
        names=read_names(catalogue),
    )
    return _as_agreed(rules, wish, catalogue, progress)


def _unlike(model: Bundle, share: float) -> tuple[float, float]:
    """From which novelty on a picture is unknown, and from which on a person is to look."""
    novelty = model.load_novelty() if share else None
    if novelty is None:
        return math.inf, math.inf
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
