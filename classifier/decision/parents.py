"""Which parent an image is surely of, where none of the nested categories in it is sure enough by itself. Pure.

The probability of a parent is the sum of those of its categories, its own among them if it is one. No error rate is
claimed: what is decided by a parent waits for a person.
"""

# Shapes: N images, M categories, P parents.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from classifier.category_names import ancestors
from classifier.model.calibration import RULED_OUT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Parents:
    """The P parents of some M categories: their names, thresholds, levels, and which categories each has (P, M)."""

    names: tuple[str, ...]
    thresholds: tuple[float, ...]
    levels: tuple[int, ...]
    has: NDArray[np.bool_]

    def sure_of(self, probs: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """For each row of `probs` (N, M) the innermost parent that reaches its threshold (-1: none), and its sum."""
        sums = probs.clip(0) @ self.has.T
        rank = np.where(sums >= np.array(self.thresholds), 2 * np.array(self.levels) + sums, -1.0)
        parents = rank.argmax(axis=1)
        rows = np.arange(len(probs))
        return np.where(rank[rows, parents] >= 0, parents, -1), sums[rows, parents]

    def within(self, probs: NDArray[np.float64], parents: NDArray[np.int64]) -> NDArray[np.float64]:
        """The same probabilities (N, M), those outside of each row's parent ruled out."""
        return np.where(self.has[parents], probs, RULED_OUT)


def parents_of(categories: Sequence[str], thresholds: Sequence[float]) -> Parents:
    """The parents that have at least two of `categories`.

    A parent's threshold is the highest that any of its categories can reach: above 1 is none, and with none at all the
    parent has none either.
    """
    named = dict.fromkeys(parent for category in categories for parent in ancestors(category))
    members = {
        parent: [category == parent or parent in ancestors(category) for category in categories] for parent in named
    }
    highest = {
        parent: max([one for one, is_in in zip(thresholds, has, strict=True) if is_in and one <= 1], default=np.inf)
        for parent, has in members.items()
    }
    kept = [parent for parent in named if sum(members[parent]) > 1 and highest[parent] <= 1]
    return Parents(
        names=tuple(kept),
        thresholds=tuple(highest[parent] for parent in kept),
        levels=tuple(len(ancestors(parent)) + 1 for parent in kept),
        has=np.array([members[parent] for parent in kept], dtype=np.bool_).reshape(len(kept), len(categories)),
    )
