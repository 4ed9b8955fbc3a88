"""Ranks categories by how much the next labels are expected to help.

Categories are not weighted by their frequency: rare ones gain most, and weighting by the labels' mix hid them
(measured: docs/LOG.md).
"""

# Shapes: N judged images, K categories.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from classifier.model.calibration import fit_temperature, probabilities
from classifier.training.metrics import coverage_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from classifier.model.holdout import HoldoutPredictions

NEXT: Final = 10
"""For how many more labels of a category the gain is told."""
_BORROWED: Final = 10
"""Images like all the others that each category is given: of eight images, none unsettled says little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryPriority:
    """One category: its `labels`, the `unsettled` share of its images, and what labels would bring.

    Unsettled is what is wrong or would wait for a person. `gain` is the share of its images that its next `NEXT`
    labels are expected to settle: rough, and good to rank by.
    """

    category: str
    labels: int
    unsettled: float
    gain: float


def rank_categories(
    measured: HoldoutPredictions, *, counts: NDArray[np.int64], categories: Sequence[str], max_error: float
) -> tuple[CategoryPriority, ...]:
    """The categories, the one first whose next labels pay most; `counts` are the labels of each.

    What is left over at `max_error` is taken to fall as one over the number of the category's labels.
    """
    unsettled_K = _unsettled(measured, categories=len(categories), max_error=max_error)
    found = [
        CategoryPriority(
            category=category,
            labels=int(count),
            unsettled=float(unsettled),
            gain=float(unsettled) * NEXT / (int(count) + NEXT),
        )
        for category, count, unsettled in zip(categories, counts, unsettled_K, strict=True)
    ]
    return tuple(sorted(found, key=lambda need: -need.gain))


def _unsettled(measured: HoldoutPredictions, *, categories: int, max_error: float) -> NDArray[np.float64]:
    """The share of each category's images that is wrong or waits at this error rate, drawn to that of all, (K,)."""
    truths = measured.truths
    shares = probabilities(measured.logits, fit_temperature(measured.logits, truths))
    guesses, confidences = shares.argmax(axis=1), shares.max(axis=1)
    threshold = coverage_at(max_error, confidences, guesses == truths).threshold
    is_open = (guesses != truths) | (confidences < (np.inf if threshold is None else threshold))
    opened = np.bincount(truths[is_open], minlength=categories)
    counts = np.bincount(truths, minlength=categories)
    return np.asarray((opened + _BORROWED * is_open.mean()) / (counts + _BORROWED), dtype=np.float64)
