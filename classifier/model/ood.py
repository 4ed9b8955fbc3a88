"""Out-of-distribution detection: how unlike all labeled images an image is, and the threshold for unknown.

Fitted to labeled images alone, without outliers. In numpy.
"""

# Shapes: N labeled images, B images, D embedding width, S directions, T statistics, M scores.

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from safetensors.numpy import save_file

from classifier.errors import Message, ModelError
from classifier.model.bundle_files import OOD
from classifier.model.head import l2_normalize
from classifier.model.tensors import read_tensors

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray


_NEAREST: Final = 3
_BLOCK: Final = 512  # images compared at once: their distances stay in the processor's cache
_PARTS: Final = 10
_MOST_TRAITS: Final = 2048
"""Beyond that, statistics are compared as they are: their covariance would outweigh the network."""
_DIRECTIONS: Final = 64
"""Measured: 32 to 64 tell better than all, for what an image has in none of them counts (docs/LOG.md)."""
_ENOUGH_SCORES: Final = 100
_ROUNDING: Final = 1e-9
_MOST_POINTS: Final = 10_000
"""More labeled images than that are thinned out evenly: a score must stay cheap beside the network."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OodDetector:
    """Labeled images as `points`, float32 (N, T), to be near to, in a space where they vary alike in each direction.

    `whitening`, float32 (T, T), leads there. `axes`, float32 (D, S), are the directions in which their embeddings
    mostly lie, and `projections`, float32 (N, S), what their embeddings, of length 1, come to along those; a bundle of
    before has no such direction. `scores`, float32 (M,) and rising, are what labeled images score that are not
    among the points.
    """

    whitening: NDArray[np.float32]
    points: NDArray[np.float32]
    axes: NDArray[np.float32]
    projections: NDArray[np.float32]
    scores: NDArray[np.float32]

    def score(self, stats_BT: NDArray[np.float32], embeddings_BD: NDArray[np.float32]) -> NDArray[np.float32]:
        """The OOD score, (B,), at least 0: higher is less like any labeled image.

        The sum of the distance to the three nearest labeled images in whitened statistics, about 1 for labeled images,
        and 1 minus the mean cosine of the embedding to its three nearest.
        """
        if stats_BT.shape[1] != len(self.whitening):
            raise ModelError("{file} is of another network than the model's; train again or restore it", file=OOD)
        parts = [
            self._distance(stats_BT[start : start + _BLOCK]) + self._cosine_gap(embeddings_BD[start : start + _BLOCK])
            for start in range(0, len(stats_BT), _BLOCK)
        ]
        return np.concatenate(parts) if parts else np.empty(0, dtype=np.float32)

    def _distance(self, stats_BT: NDArray[np.float32]) -> NDArray[np.float32]:
        places = stats_BT @ self.whitening
        # Squared distances but for the image's own square, which is the same for every point.
        gaps = (-2 * places) @ self.points.T
        gaps += (self.points**2).sum(axis=1)
        squares = _mean_of_least(gaps) + (places**2).sum(axis=1)
        return np.asarray(np.sqrt(np.maximum(squares, 0)), dtype=np.float32)

    def _cosine_gap(self, embeddings_BD: NDArray[np.float32]) -> NDArray[np.float32]:
        if not self.axes.shape[1]:
            return np.zeros(len(embeddings_BD), dtype=np.float32)
        # By its whole length, so that what lies in none of the directions counts as unlike.
        turned = l2_normalize(embeddings_BD) @ self.axes @ -self.projections.T
        return np.asarray(np.maximum(1 + _mean_of_least(turned), 0), dtype=np.float32)

    def threshold(self, share: float) -> float:
        """The score from which an image is unknown: at most `share` of images like the labeled ones reach it.

        This holds on average over draws of labeled images (conformal). Infinity when there are too few of them.
        """
        place = self._place(share)
        if place >= len(self.scores):
            return math.inf
        # The next number: a score equal to that of a labeled image is still like it.
        return float(np.nextafter(self.scores[place], np.float32(np.inf)))

    def with_least_threshold(self, share: float, least: np.float32) -> OodDetector:
        """With thresholds above `least` at this share and smaller ones; at greater ones they stay."""
        scores, place = self.scores.copy(), self._place(share)
        scores[place:] = np.maximum(scores[place:], least)
        return replace(self, scores=scores)

    def _place(self, share: float) -> int:
        """Which of the scores the threshold at this share lies just above."""
        return math.ceil((1 - share) * (len(self.scores) + 1) - _ROUNDING) - 1

    def with_more(self, stats_BT: NDArray[np.float32], embeddings_ND: NDArray[np.float32]) -> OodDetector:
        """The detector with more labeled images: `traits_BT` of the new ones, `embeddings_ND` of all.

        The scores of labeled images stay as measured.
        """
        points = np.concatenate([self.points, stats_BT @ self.whitening])
        axes, projections = _axes(embeddings_ND) if self.axes.shape[1] else (self.axes, self.projections)
        return replace(self, points=points, axes=axes, projections=projections)

    def save(self, path: Path) -> None:
        """Write the arrays as safetensors; images cannot be reconstructed from them."""
        save_file({key: np.ascontiguousarray(getattr(self, name)) for name, key in _ARRAYS.items()}, path)


_ARRAYS: Final = {name: name for name in ("axes", "points", "scores", "whitening")} | {"projections": "shadows"}
"""The fields, and their names in the file."""


def least_labels(share: float) -> int:
    """How many labeled images it takes for a threshold at this share."""
    return math.ceil(1 / share - 1 - _ROUNDING)


def fit_ood(
    stats_NT: NDArray[np.float32],
    embeddings_ND: NDArray[np.float32],
    targets_N: NDArray[np.int64],
    groups_N: Sequence[int] | NDArray[np.int64],
    *,
    picked_N: NDArray[np.bool_] | None = None,
) -> OodDetector:
    """Fit a detector to the statistics and embeddings of labeled images of the categories `targets_N`.

    Near-duplicates share a number in `groups_N`. The scores come from ten-fold cross-validation over groups, without
    those of images that a model picked for a person to label, where the others are enough: it picked them for being
    far, or for not being so. Raises ValueError when there is no image.
    """
    if not len(stats_NT):
        raise ValueError("there is no labeled picture to be near to")
    nothing = np.empty(0, dtype=np.float32)
    _, numbers = np.unique(np.asarray(groups_N), return_inverse=True)
    parts = np.random.default_rng(0).permutation(numbers.max() + 1)[numbers] % _PARTS
    is_scored = np.ones(len(parts), dtype=bool)
    if picked_N is not None and (~picked_N).sum() >= _ENOUGH_SCORES:
        is_scored = ~picked_N
    scores = [
        _fitted(stats_NT[~out], embeddings_ND[~out], targets_N[~out], nothing).score(
            stats_NT[out & is_scored], embeddings_ND[out & is_scored]
        )
        for out in (parts == part for part in np.unique(parts[is_scored]))
        if not out.all()
    ]
    return _fitted(stats_NT, embeddings_ND, targets_N, np.sort(np.concatenate([nothing, *scores])))


def _fitted(
    stats_NT: NDArray[np.float32],
    embeddings_ND: NDArray[np.float32],
    targets_N: NDArray[np.int64],
    scores: NDArray[np.float32],
) -> OodDetector:
    whitening = _whitening(stats_NT, targets_N)
    axes, projections = _axes(embeddings_ND)
    return OodDetector(
        whitening=whitening, points=_thinned(stats_NT) @ whitening, axes=axes, projections=projections, scores=scores
    )


def _thinned(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return rows[:: max(1, math.ceil(len(rows) / _MOST_POINTS))]


def _axes(embeddings_ND: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Axes (D, S) in which embeddings of length 1 mostly lie, and what each comes to along those, (N, S)."""
    from sklearn.utils.extmath import randomized_svd  # noqa: PLC0415 - slow to import, and sorting does without

    rows = l2_normalize(_thinned(embeddings_ND))
    _, _, axes_SD = randomized_svd(rows, n_components=min(_DIRECTIONS, *rows.shape), random_state=0)
    axes = np.ascontiguousarray(axes_SD.T, dtype=np.float32)
    return axes, rows @ axes


def _mean_of_least(rows: NDArray[np.floating]) -> NDArray[np.float32]:
    """The mean of the three smallest numbers of each row; overwrites `rows`."""
    count, every = min(_NEAREST, rows.shape[1]), np.arange(len(rows))
    total = np.zeros(len(rows), dtype=np.float32)
    for _ in range(count):  # a few minima are found much faster than an order
        least = rows.argmin(axis=1)
        total += rows[every, least]
        rows[every, least] = np.inf
    return total / np.float32(count)


def _whitening(stats_NT: NDArray[np.float32], targets_N: NDArray[np.int64]) -> NDArray[np.float32]:
    """The whitening of the within-category covariance (Ledoit-Wolf shrinkage), (T, T)."""
    from sklearn.covariance import ledoit_wolf  # noqa: PLC0415 - slow to import, and sorting does without

    centred = stats_NT.astype(np.float64)
    for target in np.unique(targets_N):
        centred[targets_N == target] -= centred[targets_N == target].mean(axis=0)
    width = stats_NT.shape[1]
    if width > _MOST_TRAITS or not centred.any():
        return np.eye(width, dtype=np.float32)
    covariance, _ = ledoit_wolf(centred, assume_centered=True)
    variances, vectors = np.linalg.eigh(covariance)
    # Divided by the width too, so that a distance is about 1 whatever the network.
    least = np.finfo(np.float32).eps
    return np.asarray(vectors / np.sqrt(np.maximum(variances, least) * width), dtype=np.float32)


def load_ood(path: Path) -> OodDetector:
    """Read and check what `OodDetector.save` wrote. Raises ModelError in one line naming the file and what is wrong."""
    arrays = read_tensors(path, _wrong)
    older = {"axes": np.empty((0, 0), np.float32), "shadows": np.empty((0, 0), np.float32)}
    return OodDetector(**{name: (older | arrays)[key] for name, key in _ARRAYS.items()})


def _wrong(arrays: dict[str, NDArray[np.float32]]) -> Message | None:
    """What is wrong with the arrays, in a phrase; None when nothing is."""
    known, older = sorted(_ARRAYS.values()), ["points", "scores", "whitening"]
    if sorted(arrays) not in (known, older):
        found = ", ".join(sorted(arrays)) or "nothing"
        return Message("it holds {found}, not {wanted}", found=found, wanted=", ".join(known))
    if any(numbers.dtype != np.float32 for numbers in arrays.values()):
        return Message("its numbers are not all float32")
    whitening, points, scores = (arrays[name] for name in ("whitening", "points", "scores"))
    width = len(whitening)
    fits = whitening.shape == (width, width) and points.shape == (len(points), width) and len(points)
    if "axes" in arrays:
        axes, projections = arrays["axes"], arrays["shadows"]
        are_matrices = axes.ndim == projections.ndim == 2  # noqa: PLR2004
        fits = fits and are_matrices and axes.shape[1] == projections.shape[1] and len(projections)
    if not fits or scores.ndim != 1:
        return Message("its parts do not fit together")
    if not all(np.isfinite(numbers).all() for numbers in arrays.values()):
        return Message("it holds numbers that are not finite")
    return None if (np.diff(scores) >= 0).all() else Message("its scores do not rise")
