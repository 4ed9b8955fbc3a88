"""What to do with one picture. Pure: all the judgement of a sort is here, and none of its deeds."""

from __future__ import annotations

from collections.abc import Sequence

from classifier.records import Action, Decision, Prediction


def decide(prediction: Prediction, *, categories: Sequence[str], threshold: float, truncated: bool) -> Decision:
    """File when the best category is likely enough; otherwise a person looks. A truncated picture is always reviewed.

    `categories` in the bundle's order. The reason says the best guess, the runner-up, and what decided.
    """
    order = sorted(range(len(categories)), key=lambda index: -prediction.probabilities[index])
    best = order[0]
    confidence = prediction.probabilities[best]
    guesses = ", ".join(f"{_shown(prediction.probabilities[index])} {categories[index]}" for index in order[:2])
    if truncated:
        action, why = Action.REVIEW, "the file ends early, so only a part of the picture was seen"
    elif confidence >= threshold:
        action, why = Action.FILE, f"at least {threshold:g}"
    else:
        action, why = Action.REVIEW, f"below {threshold:g}"
    return Decision(
        picture=prediction.picture,
        action=action,
        category=categories[best],
        confidence=confidence,
        reason=f"{guesses}: {why}",
    )


def _shown(probability: float) -> str:
    """Two digits, never rounded up: 0.899 must not read as 0.90 beside "below 0.9"."""
    return f"{int(probability * 100) / 100:.2f}"
