"""The randomly drawn images that a guarantee rests on, and log-odds of theirs that mean the same in each category."""

# Shapes: N images, K categories.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy  # which loads its parts when they are first used: scipy.stats takes a second

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classifier.model.holdout import HoldoutPredictions

ENOUGH_FOR_ITS_OWN = 200
"""Images guessed to be of a category from which on it gets a threshold of its own; below, all such share one."""

_SHIFT_SPREAD = 0.5
_PARTS = 5
_SUREST = 36.0  # log-odds; beyond, a probability is 1 in floating point


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnRows:
    """One row for each image: `odds` is the log-odds of the most likely category under the model."""

    odds: NDArray[np.float64]
    guesses: NDArray[np.int64]
    is_wrong: NDArray[np.bool_]
    groups: NDArray[np.int64]
    unjudged: int

    @classmethod
    def of(cls, holdout: HoldoutPredictions, temperature: float) -> DrawnRows:
        """All rows of `holdout`, in an order that nobody chose."""
        by_id = np.argsort(np.array(holdout.image_ids, dtype=np.str_), kind="stable")  # by content: chance, not choice
        logits = np.sort(holdout.logits[by_id].astype(np.float64) / temperature, axis=1)
        # The last of the sorted is the guess; of its odds, unlike of a probability, nothing is lost by rounding.
        others = scipy.special.logsumexp(logits[:, :-1], axis=1) if logits.shape[1] > 1 else -np.inf
        odds = logits[:, -1] - others
        guesses = holdout.logits[by_id].argmax(axis=1)
        return cls(
            odds=np.clip(odds, -_SUREST, _SUREST),
            guesses=guesses,
            is_wrong=guesses != holdout.targets[by_id],
            groups=holdout.groups[by_id],
            unjudged=holdout.unjudged,
        )

    def __len__(self) -> int:
        return len(self.odds)


def comparable_odds(rows: DrawnRows, categories: int) -> NDArray[np.float64]:
    """Log-odds that mean the same in each category, (N,); what shifts an image's is fitted to the others alone."""
    parts = np.unique(rows.groups, return_inverse=True)[1] % _PARTS
    scores = rows.odds.copy()
    for part in range(_PARTS):
        inside = parts == part
        scores[inside] += category_shifts(rows, categories, ~inside)[rows.guesses[inside]]
    return scores


def category_shifts(rows: DrawnRows, categories: int, among: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The correction of each category's log-odds, (K,); 0 for categories with few images."""
    shifts = np.zeros(categories)
    counts = np.bincount(rows.guesses, minlength=categories)
    for category in np.flatnonzero(counts >= ENOUGH_FOR_ITS_OWN):
        mine = among & (rows.guesses == category)
        sides = np.where(rows.is_wrong[mine], 1.0, -1.0)
        shifts[category] = _shift(rows.odds[mine], sides)
    return shifts


def _shift(odds: NDArray[np.float64], sides: NDArray[np.float64]) -> float:
    """The shift of highest posterior, with a Gaussian prior around 0."""

    def loss(shift: float) -> float:
        return float(np.logaddexp(0, sides * (odds + shift)).sum() + 0.5 * (shift / _SHIFT_SPREAD) ** 2)

    return float(scipy.optimize.minimize_scalar(loss, bounds=(-3.0, 3.0), method="bounded").x)
