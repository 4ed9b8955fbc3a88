"""What to do with one picture. Pure: all the judgement of a sort is here, and none of its deeds."""

from __future__ import annotations

import math
from collections.abc import Sequence

from classifier.records import Action, Decision, Prediction


def decide(
    prediction: Prediction,
    *,
    categories: Sequence[str],
    thresholds: Sequence[float],
    truncated: bool,
    promised: bool = False,
    novelty: float | None = None,
    unknown_from: float = math.inf,
    strange_from: float = math.inf,
) -> Decision:
    """File when the best category is likely enough; otherwise a person looks. A truncated picture is always reviewed.

    One whose `novelty` (None: nothing can tell) is at least `unknown_from` is in none of the categories, however sure
    the network is of one: it was never asked about anything else. Between `strange_from` and that, a person looks.

    `categories` in the bundle's order, and `thresholds` too: each category's own, above 1 where nothing is to be filed;
    `promised` when an error rate chose them. The reason says the best guess, the runner-up, and what decided.
    """
    shares = prediction.probabilities
    confidence = max(shares)
    best = shares.index(confidence)
    threshold = thresholds[best]
    digits = 4 if promised else 2
    guesses = f"{_floor(confidence, digits)} {categories[best]}"
    if len(shares) > 1:
        second = max(shares[:best] + shares[best + 1 :])
        runner_up = shares.index(second) if second < confidence else shares.index(second, best + 1)
        guesses += f", {_floor(second, digits)} {categories[runner_up]}"
    if truncated:
        action, why = Action.REVIEW, "the file ends early, so only a part of the picture was seen"
    elif novelty is not None and novelty >= unknown_from:
        action = Action.UNKNOWN
        why = f"unlike every labelled picture (distance {novelty:.3f}, yours are below {unknown_from:.3f})"
    elif novelty is not None and novelty >= strange_from:
        action = Action.REVIEW
        why = f"hardly like any labelled picture (distance {novelty:.3f}, most of yours are below {strange_from:.3f})"
    else:
        action = Action.FILE if confidence >= threshold else Action.REVIEW
        why = _promised(action, threshold, categories[best]) if promised else _plain(action, threshold)
    return Decision(
        picture=prediction.picture,
        action=action,
        category=categories[best],
        confidence=confidence,
        reason=f"{guesses}: {why}",
    )


def _plain(action: Action, threshold: float) -> str:
    return f"at least {threshold:g}" if action is Action.FILE else f"below {threshold:g}"


def _promised(action: Action, threshold: float, category: str) -> str:
    """A threshold that was found has many digits: rounded so that it reads as it was decided."""
    if action is Action.FILE:
        return f"at least {math.floor(threshold * 10_000) / 10_000:g} for {category}"
    if threshold > 1:
        return f"no error rate can be promised for {category}"
    return f"below {math.ceil(threshold * 10_000) / 10_000:g} for {category}"


def _floor(probability: float, digits: int) -> str:
    """Never rounded up: 0.899 must not read as 0.90 beside "below 0.9"."""
    scale = 10**digits
    return f"{int(probability * scale) / scale:.{digits}f}"
