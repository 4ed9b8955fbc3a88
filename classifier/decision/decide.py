"""Decides whether an image is filed, reviewed or unknown, with the reason.

Vectorized, because a new head decides hundreds of thousands of images at once; each is decided on its own. Annotations
and manual moves take precedence over what the model decides.
"""

# Shapes: N images, M categories.

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from classifier.decision.parents import parents_of
from classifier.model.calibration import RULED_OUT
from classifier.paths import to_json
from classifier.reasons import Reason, ReasonCode
from classifier.records import Action, AnnotationKind, Decision, ImageId

if TYPE_CHECKING:
    from collections.abc import Mapping

    from classifier.catalog.category_folders import KnownCategories
    from classifier.records import Annotation

_Outcome = tuple[Action, ReasonCode, str]
"""An action, the code of its reason, and the JSON of the reason's parameters up to "top", the last one by name."""

_UNSURE = frozenset({ReasonCode.BELOW_THRESHOLD, ReasonCode.BELOW_GUARANTEE, ReasonCode.NO_GUARANTEE})
_NOTHING_LEFT: _Outcome = (Action.REVIEW, ReasonCode.RULED_OUT, "{")


def decide(
    image_ids: Sequence[ImageId],
    probs: NDArray[np.float64],
    *,
    categories: Sequence[str],
    thresholds: Sequence[float],
    truncated: Sequence[bool],
    ood_scores: Sequence[float | None],
    guaranteed: bool = False,
    unknown_threshold: float = math.inf,
    review_threshold: float = math.inf,
) -> list[Decision]:
    """File an image if its most likely category reaches that category's threshold; otherwise review it.

    A truncated image is always reviewed. One whose OOD score (None: no detector) is at least `unknown_threshold` is
    unknown, however confident the network is, since the network only compares categories; from `review_threshold` on
    it is reviewed. An image of which no category is sure, but a parent of nested ones is, is reviewed as one of that
    parent; its best guess is the most likely category in there.

    `probs` (N, M) are calibrated probabilities, negative where a person ruled the category out; with a whole row
    negative the decision has no category. `categories` and `thresholds` (M) are in the order of the columns; above 1
    nothing is filed. With `guaranteed` thresholds (`--max-error`) the reasons have three digits, else two.
    """
    digits, opening = (3, '{"digits": 3, ') if guaranteed else (2, "{")
    best = probs.argmax(axis=1)
    confidences = probs[np.arange(len(probs)), best]
    compared = partial(_compared, opening=opening, guaranteed=guaranteed)
    outcomes = [[compared(threshold, reached=reached) for reached in (False, True)] for threshold in thresholds]
    names, outcomes = [*categories, ""], [*outcomes, [_NOTHING_LEFT] * 2]  # the last is for a row that is all negative
    columns = (
        np.where(confidences >= 0, best, len(categories)).tolist(),
        confidences.clip(0).tolist(),
        (confidences >= np.array(thresholds)[best]).tolist(),
        _top_two(probs, best, confidences, categories=categories, digits=digits),
    )
    least_unlike = min(unknown_threshold, review_threshold)
    decided = []
    for image_id, column, confidence, is_confident, two, is_truncated, ood_score in zip(
        image_ids, *columns, truncated, ood_scores, strict=True
    ):
        name, outcome = names[column], outcomes[column][is_confident]
        if is_truncated:
            outcome = Action.REVIEW, ReasonCode.TRUNCATED, opening
        elif ood_score is not None and ood_score >= least_unlike:
            outcome = _unlike(ood_score, unknown_threshold, review_threshold, opening=opening)
        action, code, params = outcome
        reason = Reason(code, f'{params}"top": [{two if name else ""}]}}')
        decided.append(Decision(image_id=image_id, action=action, category=name, confidence=confidence, reason=reason))
    return _with_parents(decided, probs, categories=categories, thresholds=thresholds, digits=digits)


def _with_parents(
    decided: list[Decision],
    probs: NDArray[np.float64],
    *,
    categories: Sequence[str],
    thresholds: Sequence[float],
    digits: int,
) -> list[Decision]:
    """The decisions, with new ones for those that wait for being unsure but are surely of a parent."""
    parents = parents_of(categories, thresholds)
    unsure = [row for row, decision in enumerate(decided) if decision.reason.code in _UNSURE] if parents.names else []
    if not unsure:
        return decided
    found, sums = parents.sure_of(probs[unsure])
    is_found, rows = found >= 0, np.array(unsure)
    rows, found, sums = rows[is_found], found[is_found], sums[is_found]
    inner = parents.within(probs[rows], found)
    best = inner.argmax(axis=1)
    confidences = inner[np.arange(len(inner)), best]
    twos = _top_two(inner, best, confidences, categories=categories, digits=digits)
    for row, parent, total, column, confidence, two in zip(
        rows.tolist(), found.tolist(), sums.tolist(), best.tolist(), confidences.tolist(), twos, strict=True
    ):
        params = {
            "digits": digits,
            "levels": parents.levels[parent],
            "parent": parents.names[parent],
            "share": math.floor(min(total, 1) * 10**digits) / 10**digits,
            "threshold": _shown(parents.thresholds[parent], reached=True),
        }
        reason = Reason(ReasonCode.SURE_OF_PARENT, f'{to_json(params)[:-1]}, "top": [{two}]}}')
        decided[row] = replace(decided[row], category=categories[column], confidence=confidence, reason=reason)
    return decided


def _unlike(ood_score: float, unknown_threshold: float, review_threshold: float, *, opening: str) -> _Outcome:
    """The outcome of an image whose OOD score reaches one of the limits, whatever the probabilities are."""
    if ood_score >= unknown_threshold:
        return Action.UNKNOWN, ReasonCode.OOD, opening + _distance(ood_score, unknown_threshold)
    return Action.REVIEW, ReasonCode.NEAR_OOD, opening + _distance(ood_score, review_threshold)


def _distance(ood_score: float, limit: float) -> str:
    return f'"distance": {to_json(round(ood_score, 3))}, "limit": {to_json(round(limit, 3))}, '


def _compared(threshold: float, *, opening: str, reached: bool, guaranteed: bool) -> _Outcome:
    """The outcome of all images of one category, on this side of its threshold."""
    action = Action.FILE if reached else Action.REVIEW
    if guaranteed and threshold > 1 and not reached:
        return action, ReasonCode.NO_GUARANTEE, opening
    codes = (
        (ReasonCode.BELOW_GUARANTEE, ReasonCode.ABOVE_GUARANTEE)
        if guaranteed
        else (ReasonCode.BELOW_THRESHOLD, ReasonCode.ABOVE_THRESHOLD)
    )
    return action, codes[reached], f'{opening}"threshold": {_shown(threshold, reached=reached)}, '


def _shown(threshold: float, *, reached: bool) -> float:
    """The threshold in three digits, rounded away from the confidence; in six where three would read as 0 or 1."""
    shown = math.floor(threshold * 1000) / 1000 if reached else math.ceil(threshold * 1000) / 1000
    return float(f"{threshold:.6g}") if shown in {0, 1} else shown


def _top_two(
    probs: NDArray[np.float64],
    best: NDArray[np.intp],
    confidences: NDArray[np.float64],
    *,
    categories: Sequence[str],
    digits: int,
) -> list[str]:
    """The two most likely categories of each image, as `["chibi", 0.61], ["page", 0.35]`."""
    first = _formatted(confidences, best, categories=categories, digits=digits)
    rest = probs.copy()
    rest[np.arange(len(rest)), best] = RULED_OUT
    second = rest.argmax(axis=1)
    second_probs = rest[np.arange(len(rest)), second]
    others = _formatted(second_probs, second, categories=categories, digits=digits)
    rows = zip(first, others, (second_probs >= 0).tolist(), strict=True)
    return [f"{one}, {other}" if has_second else one for one, other, has_second in rows]


def _formatted(
    probs: NDArray[np.float64], columns: NDArray[np.intp], *, categories: Sequence[str], digits: int
) -> list[str]:
    """Categories with their probabilities, rounded down: 0.899 must not read as 0.90 beside "below 0.9"."""
    texts, names = _decimals(digits), [to_json(category) for category in categories]
    scaled = (probs.clip(0) * 10**digits).astype(np.int64).tolist()
    return [f"[{names[column]}, {texts[prob]}]" for prob, column in zip(scaled, columns.tolist(), strict=True)]


@cache
def _decimals(digits: int) -> tuple[str, ...]:
    """All numbers from 0 to 1 with `digits` decimals; looking them up is faster than formatting."""
    scale = 10**digits
    return tuple(str(number / scale) for number in range(scale + 1))


def apply_annotation(decision: Decision, annotation: Annotation | None, *, confidence: float | None = None) -> Decision:
    """The decision after the latest annotation of the image; its reason has the annotation's id.

    An image annotated as right is filed in that category, whatever the threshold or the model says; `confidence` is
    the probability of that category if it is not the decision's own. One annotated as wrong is not filed in that
    category, but may be filed in another. One annotated as none of the categories is unknown.
    """
    if annotation is None:
        return decision
    source = {"annotation": annotation.id, "date": annotation.at[:10], "origin": annotation.origin}
    if annotation.kind is AnnotationKind.NONE:
        return replace(decision, action=Action.UNKNOWN, reason=Reason.of(ReasonCode.ANNOTATED_NONE, **source))
    category = annotation.category
    if category is None:
        return decision
    if annotation.kind is AnnotationKind.RIGHT:
        own = decision.confidence if category == decision.category else confidence or 0.0
        reason = Reason.of(ReasonCode.ANNOTATED, category=category, **source)
        return replace(decision, action=Action.FILE, category=category, confidence=own, reason=reason)
    is_refused = annotation.kind is AnnotationKind.WRONG and decision.category == category
    if is_refused and decision.action is not Action.UNKNOWN:
        reason = Reason.of(ReasonCode.ANNOTATED_WRONG, category=category, **source)
        return replace(decision, action=Action.REVIEW, reason=reason)
    return decision


def apply_overrides(
    decisions: list[Decision],
    probs: NDArray[np.float64],
    *,
    categories: Sequence[str],
    annotations: Mapping[ImageId, Annotation],
    manual_folders: Mapping[ImageId, bytes],
    known: KnownCategories,
) -> list[Decision]:
    """The decisions after annotations and manual moves; `probs` (N, M) has a row for each decision.

    `manual_folders` has the folder, relative to the library, of each image that a person moved there; `known` says
    what it stands for.
    """
    if not annotations and not manual_folders:
        return decisions
    columns = {category: number for number, category in enumerate(categories)}
    overridden = []
    for decision, row in zip(decisions, probs, strict=True):
        annotation = annotations.get(decision.image_id)
        column = None if annotation is None else columns.get(annotation.category or "")
        confidence = None if column is None else float(row[column])
        after = apply_annotation(decision, annotation, confidence=confidence)
        overridden.append(_apply_manual_move(after, manual_folders.get(decision.image_id), known))
    return overridden


def _apply_manual_move(decision: Decision, folder: bytes | None, known: KnownCategories) -> Decision:
    """The decision that leaves the image in the folder where a person put it."""
    manual = None if folder is None else known.decision_for(folder)
    if manual is None:
        return decision
    return replace(decision, action=manual[0], category=manual[1], reason=Reason(ReasonCode.MOVED_BY_PERSON))
