"""How unlike every labelled picture one is, and from where on that is too unlike to be in any category.

Learned from labelled pictures alone: nobody has examples of the unknown. Plain numpy; knows no network, no categories.
"""

# Shapes: N labelled pictures, B pictures, T traits, M scores.

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from classifier.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

NOVELTY: Final = "novelty.safetensors"
"""The file's name in a bundle."""

_NEAREST: Final = 3
_BLOCK: Final = 512  # pictures compared at once: their distances stay in the processor's cache
_PARTS: Final = 10
_MOST_TRAITS: Final = 2048
"""Beyond that, traits are compared as they are: their covariance would outweigh the network."""
_MOST_POINTS: Final = 10_000
"""More labelled pictures than that are thinned out evenly: a score must stay cheap beside the network."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Novelty:
    """Labelled pictures as `points`, float32 (N, T), to be near to, in a space where they vary alike in each direction.

    `whitening`, float32 (T, T), leads there. `scores`, float32 (M,) and rising, are what labelled pictures score that
    are not among the points.
    """

    whitening: NDArray[np.float32]
    points: NDArray[np.float32]
    scores: NDArray[np.float32]

    def score(self, traits_BT: NDArray[np.float32]) -> NDArray[np.float32]:
        """How far the three nearest labelled pictures are, (B,), at least 0: higher is less like any of them."""
        parts = [self._nearest(traits_BT[start : start + _BLOCK]) for start in range(0, len(traits_BT), _BLOCK)]
        return np.concatenate(parts) if parts else np.empty(0, dtype=np.float32)

    def _nearest(self, traits_BT: NDArray[np.float32]) -> NDArray[np.float32]:
        places = traits_BT @ self.whitening
        # Squared distances but for the picture's own square, which is the same for every point.
        gaps = (-2 * places) @ self.points.T
        gaps += (self.points**2).sum(axis=1)
        count, rows = min(_NEAREST, len(self.points)), np.arange(len(gaps))
        total = np.zeros(len(gaps), dtype=np.float32)
        for _ in range(count):  # a few minima are found much faster than an order
            nearest = gaps.argmin(axis=1)
            total += gaps[rows, nearest]
            gaps[rows, nearest] = np.inf
        squares = total / count + (places**2).sum(axis=1)
        return np.asarray(np.sqrt(np.maximum(squares, 0)), dtype=np.float32)

    def cut(self, share: float) -> float:
        """The score from which on a picture is unknown: at most `share` of pictures like the labelled ones reach it.

        That is so on average over labelled pictures drawn alike. Where they are too few to tell, infinity.
        """
        place = math.ceil((1 - share) * (len(self.scores) + 1) - 1e-9)
        if place > len(self.scores):
            return math.inf
        # The next number: a score equal to that of a labelled picture is still like it.
        return float(np.nextafter(self.scores[place - 1], np.float32(np.inf)))

    def with_more(self, traits_BT: NDArray[np.float32]) -> Novelty:
        """The same, with these pictures to be near to as well; what labelled ones score stays as it was measured."""
        return replace(self, points=np.concatenate([self.points, traits_BT @ self.whitening]))

    def save(self, path: Path) -> None:
        """Write it as safetensors; no picture can be drawn from it."""
        save_file({"whitening": self.whitening, "points": self.points, "scores": self.scores}, path)


def fit_novelty(
    traits_NT: NDArray[np.float32], targets_N: NDArray[np.int64], groups_N: Sequence[int] | NDArray[np.int64]
) -> Novelty:
    """Learn what is like the labelled pictures, of the categories `targets_N`, from their traits.

    Near-duplicates share a number in `groups_N`. Scores come from ten parts, each of which is left out of all that it
    is judged by. Raises ValueError when there is no picture.
    """
    if not len(traits_NT):
        raise ValueError("there is no labelled picture to be near to")
    nothing = np.empty(0, dtype=np.float32)
    _, numbers = np.unique(np.asarray(groups_N), return_inverse=True)
    parts = np.random.default_rng(0).permutation(numbers.max() + 1)[numbers] % _PARTS
    scores = [
        _fitted(traits_NT[parts != part], targets_N[parts != part], nothing).score(traits_NT[parts == part])
        for part in np.unique(parts)
        if (parts != part).any()
    ]
    return _fitted(traits_NT, targets_N, np.sort(np.concatenate([nothing, *scores])))


def _fitted(traits_NT: NDArray[np.float32], targets_N: NDArray[np.int64], scores: NDArray[np.float32]) -> Novelty:
    whitening = _whitening(traits_NT, targets_N)
    step = max(1, math.ceil(len(traits_NT) / _MOST_POINTS))
    return Novelty(whitening=whitening, points=traits_NT[::step] @ whitening, scores=scores)


def _whitening(traits_NT: NDArray[np.float32], targets_N: NDArray[np.int64]) -> NDArray[np.float32]:
    """What makes pictures of one category vary alike in each direction, (T, T), as far as so few can tell."""
    from sklearn.covariance import ledoit_wolf  # noqa: PLC0415 - slow to import, and sorting does without

    centred = traits_NT.astype(np.float64)
    for target in np.unique(targets_N):
        centred[targets_N == target] -= centred[targets_N == target].mean(axis=0)
    width = traits_NT.shape[1]
    if width > _MOST_TRAITS or not centred.any():
        return np.eye(width, dtype=np.float32)
    covariance, _ = ledoit_wolf(centred, assume_centered=True)
    variances, directions = np.linalg.eigh(covariance)
    # Divided by the width too, so that a distance is about 1 whatever the network.
    least = np.finfo(np.float32).eps
    return np.asarray(directions / np.sqrt(np.maximum(variances, least) * width), dtype=np.float32)


def load_novelty(path: Path) -> Novelty:
    """Read and check what `Novelty.save` wrote. Raises ModelError in one line naming the file and what is wrong."""
    try:
        arrays = load_file(path)
    except (OSError, SafetensorError) as error:
        reason = " ".join(str(error).split())
        raise ModelError(f"{path}: cannot be read ({reason}); train again or restore it") from None
    wrong = _wrong(arrays)
    if wrong:
        raise ModelError(f"{path}: {wrong}; train again or restore it")
    return Novelty(whitening=arrays["whitening"], points=arrays["points"], scores=arrays["scores"])


def _wrong(arrays: dict[str, NDArray[np.float32]]) -> str:
    """What does not fit together, in a phrase; empty when all does."""
    if sorted(arrays) != ["points", "scores", "whitening"]:
        return f"it holds {', '.join(sorted(arrays)) or 'nothing'}, not points, scores and whitening"
    whitening, points, scores = arrays["whitening"], arrays["points"], arrays["scores"]
    if any(numbers.dtype != np.float32 for numbers in arrays.values()):
        return "its numbers are not all float32"
    width = len(whitening)
    if whitening.shape != (width, width) or points.shape != (len(points), width) or scores.ndim != 1 or not len(points):
        return "its parts do not fit together"
    if not all(np.isfinite(numbers).all() for numbers in arrays.values()):
        return "it holds numbers that are not finite"
    return "" if (np.diff(scores) >= 0).all() else "its scores do not rise"
