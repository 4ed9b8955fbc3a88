"""What to do with pictures. Pure: all the judgment of a sort is here, and none of its deeds.

Many at once, for a new head may decide hundreds of thousands; none has a part in what is decided of another.
"""

# Shapes: N pictures, M categories.

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from classifier.model.possible import RULED_OUT, likeliest
from classifier.records import Action, Decision, PictureId

_NOTHING_LEFT = "a person ruled out every category"


def decide(
    pictures: Sequence[PictureId],
    shares: NDArray[np.float64],
    *,
    categories: Sequence[str],
    thresholds: Sequence[float],
    truncated: Sequence[bool],
    novelties: Sequence[float | None],
    promised: bool = False,
    unknown_from: float = math.inf,
    strange_from: float = math.inf,
) -> list[Decision]:
    """File when the best category is likely enough; otherwise a person looks. A truncated picture is always reviewed.

    One whose novelty (None: nothing can tell) is at least `unknown_from` is in none of the categories, however sure
    the network is of one: it was never asked about anything else. Between `strange_from` and that, a person looks.

    `shares` (N, M) are calibrated probabilities, below 0 where a person ruled the category out; where all are, there is
    no guess. Categories are in the bundle's order, and `thresholds` too: each category's own, above 1 where nothing is
    to be filed; `promised` when an error rate chose them. The reason says the best guess, the runner-up, and what
    decided.
    """
    best = shares.argmax(axis=1)
    names, confidences = likeliest(shares, categories)
    sure = (confidences >= np.array(thresholds)[best]) & (shares.max(axis=1) >= 0)
    guesses = _guesses(shares, best, confidences, categories=categories, digits=3 if promised else 2)
    tell = _promised if promised else _plain
    whys = [
        (tell(threshold, name, sure=False), tell(threshold, name, sure=True))
        for threshold, name in zip(thresholds, categories, strict=True)
    ]
    decided = []
    columns = (best.tolist(), names, confidences.tolist(), sure.tolist(), guesses, truncated, novelties)
    for picture, number, name, confidence, is_sure, guess, is_truncated, novelty in zip(
        pictures, *columns, strict=True
    ):
        action, why = Action.FILE if is_sure else Action.REVIEW, whys[number][is_sure] if name else _NOTHING_LEFT
        if is_truncated or novelty is not None:
            action, why = _in_doubt(is_truncated, novelty or 0.0, unknown_from, strange_from) or (action, why)
        reason = f"{guess}: {why}" if name else why
        decided.append(Decision(picture=picture, action=action, category=name, confidence=confidence, reason=reason))
    return decided


def _in_doubt(
    is_truncated: bool, novelty: float, unknown_from: float, strange_from: float
) -> tuple[Action, str] | None:
    """What is done with a picture whatever the network says of it; None when that counts."""
    if is_truncated:
        return Action.REVIEW, "the file ends early, so only a part of the picture was seen"
    if novelty >= unknown_from:
        limit = f"yours are below {unknown_from:.3f}"
        return Action.UNKNOWN, f"unlike every labelled picture (distance {novelty:.3f}, {limit})"
    if novelty >= strange_from:
        limit = f"most of yours are below {strange_from:.3f}"
        return Action.REVIEW, f"hardly like any labelled picture (distance {novelty:.3f}, {limit})"
    return None


def _plain(threshold: float, category: str, *, sure: bool) -> str:  # noqa: ARG001 - one threshold holds for all
    return _limit(threshold, sure=sure)


def _limit(threshold: float, *, sure: bool) -> str:
    """In three digits, rounded so that it reads as it was decided; in all where three would read as 0 or 1."""
    shown = math.floor(threshold * 1000) / 1000 if sure else math.ceil(threshold * 1000) / 1000
    if shown in {0, 1}:
        shown = threshold
    return f"at least {shown:g}" if sure else f"below {shown:g}"


def _promised(threshold: float, category: str, *, sure: bool) -> str:
    if sure:
        return f"{_limit(threshold, sure=True)} for {category}"
    if threshold > 1:
        return f"no error rate can be promised for {category}"
    return f"{_limit(threshold, sure=False)} for {category}"


def _guesses(
    shares: NDArray[np.float64],
    best: NDArray[np.intp],
    confidences: NDArray[np.float64],
    *,
    categories: Sequence[str],
    digits: int,
) -> list[str]:
    """The best guess and the runner-up of each, as "0.61 chibi, 0.35 page"."""
    first = _told(confidences, best, categories=categories, digits=digits)
    rest = shares.copy()
    rest[np.arange(len(rest)), best] = RULED_OUT
    second = rest.argmax(axis=1)
    shares_left = rest[np.arange(len(rest)), second]
    others = _told(shares_left, second, categories=categories, digits=digits)
    both = zip(first, others, (shares_left >= 0).tolist(), strict=True)
    return [f"{one}, {other}" if is_left else one for one, other, is_left in both]


def _told(
    shares: NDArray[np.float64], numbers: NDArray[np.intp], *, categories: Sequence[str], digits: int
) -> list[str]:
    """Never rounded up: 0.899 must not read as 0.90 beside "below 0.9"."""
    texts = _numbers(digits)
    whole = (shares.clip(0) * 10**digits).astype(np.int64).tolist()
    return [f"{texts[share]} {categories[number]}" for share, number in zip(whole, numbers.tolist(), strict=True)]


@cache
def _numbers(digits: int) -> tuple[str, ...]:
    """Every number from 0 to 1 with so many digits behind the point."""
    scale = 10**digits
    return tuple(f"{number / scale:.{digits}f}" for number in range(scale + 1))
