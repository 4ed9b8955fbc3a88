"""Which labels a model calls doubtful: one rule for the terminal, the report and the page, old models included.

A label is doubtful when it is listed as such and at least one chance in ten speaks for one other category. How many
there are is how many are listed; how many of those are likely wrong is what their probabilities add up to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

_LEAST: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelIssues:
    """`labels` as in evaluation.json, the likeliest to be wrong first, of `count` in all; about `wrong` are wrong."""

    count: int
    wrong: int
    labels: tuple[dict[str, Any], ...]


def is_doubtful(confidence: float) -> bool:
    """Whether enough speaks for the other category to ask a person."""
    return confidence >= _LEAST


def doubtful_labels(found: Any) -> LabelIssues | None:
    """What a model's evaluation tells of doubtful labels; None where it tells nothing of them."""
    if not isinstance(found, dict):
        return None
    labels = tuple(label for label in found.get("labels", ()) if is_doubtful(label["confidence"]))
    wrong = sum(label.get("wrong", label["confidence"]) for label in labels)
    return LabelIssues(count=found["count"], wrong=min(len(labels), max(1, round(wrong))), labels=labels)
