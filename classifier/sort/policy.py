"""What decides where the pictures of a sort go: from what is asked for, the model, and what an audit agreed to."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from pathlib import Path

from classifier.catalog import audits
from classifier.catalog.categories import CategoryAliases, read_names
from classifier.catalog.connection import Catalog
from classifier.catalog.strictness import Strictness
from classifier.errors import NoGuarantee
from classifier.model.bundle import Bundle
from classifier.model.manifest import Manifest
from classifier.model.risk_control import RiskGuarantee, estimated_threshold, no_guarantee, promise
from classifier.progress import Progress
from classifier.records import Mode
from classifier.settings import Settings
from classifier.sort.resume import SortRequest, unknown_share

_NEVER = 2.0
"""A threshold that no probability reaches."""
_STRANGE = 2.0
"""Pictures hardly like any labelled one: twice the share that is called unknown, those included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What decides where pictures go.

    `thresholds` has one for each category, in the manifest's order: those of `promise`, if there is one. `strictness`
    says what was asked for and what came of it.
    """

    manifest: Manifest
    thresholds: tuple[float, ...]
    mode: Mode
    strictness: Strictness = field(default_factory=Strictness)
    promise: RiskGuarantee | None = None
    sidecars: bool = False
    unknown_share: float = 0.0
    """The share of pictures like the labels that may count as unknown; 0: none does."""
    unknown_from: float = math.inf
    """How unlike every labelled picture one must be to be taken for none of the categories."""
    strange_from: float = math.inf
    """How unlike them one must be for a person to look."""
    names: CategoryAliases = field(default_factory=CategoryAliases)
    """What a person calls the manifest's categories by now."""


def rules_for(
    wish: SortRequest, model: Bundle, settings: Settings, *, library: Path, catalog: Catalog, progress: Progress
) -> Rules:
    """The rules of one sort. Raises ModelError in one line when a part of the model is damaged."""
    asked = wish.asked
    strictness, promised = (asked, None) if asked.max_error is None else _promise(model, asked.max_error, library)
    if promised is not None:
        progress.say(f"{promised.sentence}; of those, {promised.coverage:.0%} would be filed")
    if strictness.no_guarantee is not None:
        progress.say(strictness.no_guarantee)
    share = unknown_share(settings.sort) if wish.unknown_share is None else wish.unknown_share
    unknown_from, strange_from = _unlike(model, share)
    rules = Rules(
        manifest=model.manifest,
        thresholds=_thresholds(strictness, model.manifest, promised),
        strictness=strictness,
        promise=promised,
        mode=wish.mode or settings.sort.mode,
        sidecars=settings.sort.sidecars if wish.sidecars is None else wish.sidecars,
        unknown_share=share,
        unknown_from=unknown_from,
        strange_from=math.inf
        if asked.max_error is None
        else strange_from,  # an error rate is for pictures like the labels
        names=read_names(catalog),
    )
    return _as_agreed(rules, catalog, progress)


def _thresholds(strictness: Strictness, manifest: Manifest, promised: RiskGuarantee | None) -> tuple[float, ...]:
    if promised is not None:
        return tuple(_NEVER if threshold is None else threshold for threshold in promised.thresholds)
    return (strictness.threshold or manifest.threshold,) * len(manifest.categories)


def _unlike(model: Bundle, share: float) -> tuple[float, float]:
    """From which novelty on a picture is unknown, and from which on a person is to look."""
    novelty = model.load_novelty() if share else None
    if novelty is None:
        return math.inf, math.inf
    return novelty.cut(share), novelty.cut(max(share, min(_STRANGE * share, 0.5)))


def _as_agreed(rules: Rules, catalog: Catalog, progress: Progress) -> Rules:
    """What a person agreed to after an audit of this model's filing holds on, until something else is asked for."""
    asked = rules.strictness.asked.threshold is not None or rules.promise is not None
    agreed = None if asked else audits.agreed_threshold(catalog, model=rules.manifest.key)
    if agreed is None:
        return rules
    progress.say(f"nothing below {agreed:.4g} is filed, as agreed after the audit; --threshold takes another")
    return replace(rules, thresholds=tuple(max(agreed, threshold) for threshold in rules.thresholds))


def guaranteed(model: Bundle, max_error: float) -> RiskGuarantee:
    """What the model's evidence guarantees; raises NoGuarantee in one line when that is nothing."""
    evidence, manifest = model.load_evidence(), model.manifest
    if evidence is None:
        raise NoGuarantee("no guarantee: this model keeps nothing to judge an error rate by", why="none")
    return promise(evidence, categories=manifest.categories, temperature=manifest.temperature, max_error=max_error)


def _promise(model: Bundle, max_error: float, library: Path) -> tuple[Strictness, RiskGuarantee | None]:
    """What is guaranteed by pictures drawn by chance; without enough of them, what the model itself estimates."""
    try:
        promised = guaranteed(model, max_error)
    except NoGuarantee as error:
        estimate = Strictness(
            threshold=estimated_threshold(max_error),
            max_error=max_error,
            guaranteed=False,
            why=error.why,
            sentence=no_guarantee(error, max_error, library=library.absolute()),
        )
        return estimate, None
    return Strictness(max_error=max_error, guaranteed=True, sentence=promised.sentence), promised
