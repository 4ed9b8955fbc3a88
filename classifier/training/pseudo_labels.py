"""Which pictures of the crawl are learned from, and as what. Pure; knows no network and no files.

A picture that a network was taught by its own guess, it is sure of ever after, right or wrong. So only the surest of
each category are taken, and never as more than the guess is worth.
"""

# Shapes: M pictures of the crawl, G of them guessed, K categories.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classifier.records import Example

SHARE: Final = 0.4
"""Of the pictures guessed to be of a category, the surest this many are learned from; measured: docs/LOG.md."""
_HARD: Final = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class PseudoLabels:
    """Pictures of the crawl and what is to be learned of each: `targets` float (G, K), rows that sum to 1."""

    examples: tuple[Example, ...]
    targets: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.examples)


def surest(probabilities_MK: NDArray[np.float64], *, share: float = SHARE) -> NDArray[np.int64]:
    """The rows of the surest `share` of each category as guessed, in rising order.

    By category, for one threshold would take all of the easy categories and none of the hard ones.
    """
    guesses, confidences = probabilities_MK.argmax(axis=1), probabilities_MK.max(axis=1)
    chosen: list[int] = []
    for category in range(probabilities_MK.shape[1]):
        rows = np.flatnonzero(guesses == category)
        order = rows[np.argsort(-confidences[rows], kind="stable")]
        chosen += order[: round(share * len(rows))].tolist()
    return np.array(sorted(chosen), dtype=np.int64)


def soft_targets(probabilities_GK: NDArray[np.float64]) -> NDArray[np.float64]:
    """The guess as shares: mostly the probabilities, sharpened by squaring, and a fifth on the best alone."""
    sharp = probabilities_GK**2
    sharp /= sharp.sum(axis=1, keepdims=True)
    best = np.eye(probabilities_GK.shape[1])[probabilities_GK.argmax(axis=1)]
    targets: NDArray[np.float64] = (1 - _HARD) * sharp + _HARD * best
    return targets
