"""Decides whether an image is filed, reviewed or unknown, with the reason.

Vectorized, because a new head decides hundreds of thousands of images at once; each is decided on its own.
"""

# Shapes: N images, M categories.

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from classifier.model.calibration import RULED_OUT, most_likely
from classifier.records import Action, Decision, PictureId

_NOTHING_LEFT = "a person ruled out every category"


def decide(
    pictures: Sequence[PictureId],
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
    it is reviewed.

    `probs` (N, M) are calibrated probabilities, negative where a person ruled the category out; with a whole row
    negative the decision has no category. `categories` and `thresholds` (M) are in the order of the columns; above 1
    nothing is filed. With `guaranteed` thresholds (`--max-error`) the reasons have three digits.
    """
    best = probs.argmax(axis=1)
    names, confidences = most_likely(probs, categories)
    confident = (confidences >= np.array(thresholds)[best]) & (probs.max(axis=1) >= 0)
    top_two = _top_two(probs, best, confidences, categories=categories, digits=3 if guaranteed else 2)
    reasons = [
        [_comparison(threshold, name, reached=reached, guaranteed=guaranteed) for reached in (False, True)]
        for threshold, name in zip(thresholds, categories, strict=True)
    ]
    decisions = []
    columns = (best.tolist(), names, confidences.tolist(), confident.tolist(), top_two, truncated, ood_scores)
    for picture, column, name, confidence, is_confident, two, is_truncated, ood_score in zip(
        pictures, *columns, strict=True
    ):
        action = Action.FILE if is_confident else Action.REVIEW
        reason = reasons[column][is_confident] if name else _NOTHING_LEFT
        if is_truncated or ood_score is not None:
            exception = _exception(is_truncated, ood_score or 0.0, unknown_threshold, review_threshold)
            action, reason = exception or (action, reason)
        decisions.append(
            Decision(
                picture=picture,
                action=action,
                category=name,
                confidence=confidence,
                reason=f"{two}: {reason}" if name else reason,
            )
        )
    return decisions


def _exception(
    is_truncated: bool, ood_score: float, unknown_threshold: float, review_threshold: float
) -> tuple[Action, str] | None:
    """The action and reason that replace what the probabilities give; None if they stand."""
    if is_truncated:
        return Action.REVIEW, "the file ends early, so only a part of the picture was seen"
    if ood_score >= unknown_threshold:
        limit = f"yours are below {unknown_threshold:.3f}"
        return Action.UNKNOWN, f"unlike every labelled picture (distance {ood_score:.3f}, {limit})"
    if ood_score >= review_threshold:
        limit = f"most of yours are below {review_threshold:.3f}"
        return Action.REVIEW, f"hardly like any labelled picture (distance {ood_score:.3f}, {limit})"
    return None


def _comparison(threshold: float, category: str, *, reached: bool, guaranteed: bool) -> str:
    """The threshold in three digits, rounded away from the confidence; in full where three would read as 0 or 1."""
    if guaranteed and threshold > 1 and not reached:
        return f"no error rate can be promised for {category}"
    shown = math.floor(threshold * 1000) / 1000 if reached else math.ceil(threshold * 1000) / 1000
    if shown in {0, 1}:
        shown = threshold
    text = f"at least {shown:g}" if reached else f"below {shown:g}"
    return f"{text} for {category}" if guaranteed else text


def _top_two(
    probs: NDArray[np.float64],
    best: NDArray[np.intp],
    confidences: NDArray[np.float64],
    *,
    categories: Sequence[str],
    digits: int,
) -> list[str]:
    """The two most likely categories of each image, as "0.61 chibi, 0.35 page"."""
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
    """Probabilities with their categories, rounded down: 0.899 must not read as 0.90 beside "below 0.9"."""
    texts = _decimals(digits)
    scaled = (probs.clip(0) * 10**digits).astype(np.int64).tolist()
    return [f"{texts[prob]} {categories[column]}" for prob, column in zip(scaled, columns.tolist(), strict=True)]


@cache
def _decimals(digits: int) -> tuple[str, ...]:
    """All numbers from 0 to 1 with `digits` decimals; looking them up is faster than formatting."""
    scale = 10**digits
    return tuple(f"{number / scale:.{digits}f}" for number in range(scale + 1))
