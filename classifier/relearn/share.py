"""How many of the pictures that wait could be filed by the rule that the library was last sorted by; pure."""

# Shapes: N pictures.

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How sure a picture had to be: as sure as `threshold`, unless an error rate was asked for."""

    threshold: float
    max_error: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """As JSON takes it."""
        return asdict(self)


def rule_of(settings: Mapping[str, Any], default: float) -> Rule:
    """The rule in the recorded settings of a sort; `default` is the model's own threshold."""
    asked = settings.get("sort", {})
    return Rule(threshold=float(asked.get("threshold") or default), max_error=asked.get("max_error"))


def fileable(confidences: NDArray[np.floating], rule: Rule) -> int:
    """How many of these, by their calibrated confidences, (N,), the rule would file.

    Under an error rate an estimate: as many as keep the mean of what they lack to certainty at or under it.
    """
    return int((confidences >= threshold_for(confidences, rule)).sum())


def threshold_for(confidences: NDArray[np.floating], rule: Rule) -> float:
    """The least confidence that the rule files; above 1 when it files none."""
    if rule.max_error is None:
        return rule.threshold
    surest = np.sort(confidences.astype(np.float64))[::-1]
    errors = np.cumsum(1 - surest) / np.arange(1, len(surest) + 1)
    kept = int((errors <= rule.max_error).sum())  # the mean only grows, for the surest come first
    return float(surest[kept - 1]) if kept else 2.0
