"""Resolves the policy of a sort from what is requested, the model, and what its library says; or of none."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.catalog import audits
from classifier.catalog.categories import CategoryAliases, read_aliases
from classifier.catalog.chosen_pictures import sources
from classifier.catalog.connection import Catalog
from classifier.catalog.strictness import Strictness
from classifier.decision.policy import Policy, thresholds_for
from classifier.errors import Message, NoGuarantee
from classifier.model.bundle import Bundle
from classifier.model.ood import least_labels
from classifier.model.risk_control import RiskGuarantee, estimated_threshold, guarantee_risk, least_rate, no_guarantee
from classifier.progress import Progress
from classifier.settings import Settings
from classifier.sort.resume import SortRequest, unknown_share

if TYPE_CHECKING:
    from classifier.model.holdout import HoldoutPredictions

_REVIEW_FACTOR, _MOST_REVIEWED = 2.0, 0.1
"""The share of labeled-like images whose OOD score means review, unknown ones included, over the unknown share; and its
most, which a larger unknown share alone exceeds. Twice both where an error rate is asked. Measured:
docs/BENCHMARKS.md, pictures of no category.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfLibrary:
    """What a library says of how it is sorted into; nothing where there is none.

    `names` are its names of categories, `agreed` the threshold that was agreed on after an audit of the model.
    """

    library: Path | None = None
    names: CategoryAliases = field(default_factory=CategoryAliases)
    agreed: float | None = None


def of_library(catalog: Catalog, library: Path, model: Bundle) -> OfLibrary:
    """What the library says about sorts with this model. What chose its pictures decides them too, but for names."""
    names = read_aliases(catalog)
    if sources(catalog):
        return OfLibrary(names=names)
    return OfLibrary(library=library, names=names, agreed=audits.agreed_threshold(catalog, model=model.manifest.key))


def resolve_policy(
    request: SortRequest,
    model: Bundle,
    settings: Settings,
    *,
    holdout: HoldoutPredictions | None,
    of: OfLibrary,
    progress: Progress,
) -> Policy:
    """The policy of one sort, `holdout` being what its answers would be of held-out labels.

    Raises ModelError in one line when a part of the model is damaged.
    """
    strictness, guarantee = request.strictness, None
    if strictness.max_error is not None:
        strictness, guarantee = _guarantee_or_estimate(model, holdout, strictness.max_error, of.library)
        strictness = replace(strictness, asked=request.strictness.asked)
    if guarantee is not None and strictness.promise is not None:
        progress.say(_coverage_in_words(strictness.promise, guarantee))
    if strictness.no_guarantee is not None:
        progress.say(strictness.no_guarantee)
    share = unknown_share(settings.sort) if request.unknown_share is None else request.unknown_share
    times = 1 if request.strictness.max_error is None else 2
    reviewed = max(share, times * min(_REVIEW_FACTOR * share, _MOST_REVIEWED))
    unknown_threshold, review_threshold = _ood_thresholds(model, share, reviewed, progress)
    policy = Policy(
        manifest=model.manifest,
        thresholds=thresholds_for(model.manifest, strictness, guarantee),
        strictness=strictness,
        guarantee=guarantee,
        mode=request.mode or settings.sort.mode,
        sidecars=settings.sort.sidecars if request.sidecars is None else request.sidecars,
        duplicates=request.duplicates or settings.sort.duplicates,
        unknown_share=share,
        unknown_threshold=unknown_threshold,
        review_threshold=review_threshold,
        names=of.names,
    )
    return _with_agreed_threshold(policy, of.agreed, progress)


def with_least_rate(request: SortRequest, model: Bundle, holdout: HoldoutPredictions | None) -> SortRequest:
    """The request with the least error rate that can be guaranteed, if the person said that it may be another one.

    Where none can, the rate stays, and is kept by the model's own estimate.
    """
    asked, manifest = request.strictness.max_error, model.manifest
    if not request.best or asked is None or holdout is None:
        return request
    rate = least_rate(holdout, categories=manifest.categories, temperature=manifest.temperature, max_error=asked)
    if rate is None or rate == asked:
        return request
    return replace(request, strictness=Strictness(max_error=rate, asked=asked))


def _coverage_in_words(promise: Message, guarantee: RiskGuarantee) -> Message:
    return Message(
        "{guarantee}; of those, {coverage:.0%} would be filed",
        guarantee=promise,
        coverage=guarantee.coverage,
    )


def _ood_thresholds(model: Bundle, share: float, reviewed: float, progress: Progress) -> tuple[float, float]:
    """The OOD scores from which an image is unknown, and from which it is reviewed; infinite without a detector."""
    detector = model.load_ood() if share else None
    if detector is None:
        return math.inf, math.inf
    if len(detector.scores) < least_labels(share):
        progress.say(_too_few_to_tell_unknown(len(detector.scores), share))
    return detector.threshold(share), detector.threshold(reviewed)


def _too_few_to_tell_unknown(labels: int, share: float) -> Message:
    return Message(
        "too few labels to tell what is unlike them, so nothing counts as unknown: {labels:,}, and with "
        "sort.unknown_share = {share:g} it takes {least:,}",
        labels=labels,
        share=share,
        least=least_labels(share),
    )


def _with_agreed_threshold(policy: Policy, agreed: float | None, progress: Progress) -> Policy:
    """The threshold agreed on after an audit of this model holds until another is requested."""
    is_requested = policy.strictness.requested.threshold is not None or policy.guarantee is not None
    if agreed is None or is_requested:
        return policy
    progress.say(
        Message(
            "nothing below {threshold:.4g} is filed, as agreed after the audit; --threshold takes another",
            threshold=agreed,
        )
    )
    return policy.at_least(agreed)


def risk_guarantee(model: Bundle, holdout: HoldoutPredictions | None, max_error: float) -> RiskGuarantee:
    """The thresholds that keep `max_error`, by the model's holdout; raises NoGuarantee in one line without any."""
    manifest = model.manifest
    if holdout is None:
        raise NoGuarantee("no guarantee: this model keeps nothing to judge an error rate by", why="none")
    return guarantee_risk(
        holdout, categories=manifest.categories, temperature=manifest.temperature, max_error=max_error
    )


def _guarantee_or_estimate(
    model: Bundle, holdout: HoldoutPredictions | None, max_error: float, library: Path | None
) -> tuple[Strictness, RiskGuarantee | None]:
    """A guarantee by randomly drawn labels; without enough of them, a threshold by the model's own probabilities."""
    try:
        guarantee = risk_guarantee(model, holdout, max_error)
    except NoGuarantee as error:
        estimate = Strictness(
            threshold=estimated_threshold(max_error),
            max_error=max_error,
            guaranteed=False,
            why=error.why,
            sentence=no_guarantee(error, max_error, library=library and library.absolute()),
        )
        return estimate, None
    return Strictness(max_error=max_error, guaranteed=True, sentence=guarantee.sentence), guarantee
