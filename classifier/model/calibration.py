"""Calibrated probabilities: temperature scaling (Guo et al. 2017), and categories that a person ruled out."""

# Shapes: N images, K categories.

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np
import scipy  # which loads its parts when they are first used: scipy.stats takes a second

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from numpy.typing import NDArray

    from classifier.records import ImageId

PRIOR_SPREAD = 0.25
"""Standard deviation of the prior on log temperature."""


def probabilities(logits_NK: NDArray[np.float32], temperature: float) -> NDArray[np.float64]:
    """Calibrated probabilities, (N, K); rows sum to 1."""
    # As scipy.special.softmax has it, whose import takes a third of a second, which a sort of known images would wait.
    logits = logits_NK.astype(np.float64) / temperature
    shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=-1, keepdims=True))


def fit_temperature(logits_NK: NDArray[np.float32], targets_N: NDArray[np.int64]) -> float:
    """The temperature of highest posterior on held-out images, with a Gaussian prior on its logarithm around 0.

    Without the prior, a small validation set that happens to be all correct would drive it to 0, that is to full
    confidence. `targets_N` are category indices. No image gives 1.
    """
    logits = logits_NK.astype(np.float64)
    rows = np.arange(len(targets_N))

    def loss(log_temperature: float) -> float:
        log_likelihood = scipy.special.log_softmax(logits / np.exp(log_temperature), axis=-1)[rows, targets_N].sum()
        return float(-log_likelihood + 0.5 * (log_temperature / PRIOR_SPREAD) ** 2)

    if not len(rows):
        return 1.0
    return float(np.exp(scipy.optimize.minimize_scalar(loss, bounds=(-3.0, 3.0), method="bounded").x))


Float = TypeVar("Float", bound="np.floating")
RULED_OUT = -1.0
"""Below every probability."""


def mask_ruled_out(
    shares_NK: NDArray[Float],
    image_ids: Sequence[ImageId],
    categories: Sequence[str],
    ruled_out: Mapping[ImageId, AbstractSet[str]],
) -> NDArray[Float]:
    """The probabilities, (N, K), with `RULED_OUT` for each category that a person ruled out for an image."""
    columns = {category: column for column, category in enumerate(categories)}
    places = [
        (row, columns[category])
        for row, image_id in enumerate(image_ids if ruled_out else ())
        for category in ruled_out.get(image_id, ())
        if category in columns
    ]
    if not places:
        return shares_NK
    left = shares_NK.copy()
    left[tuple(np.array(places).T)] = RULED_OUT
    return left


def most_likely(shares_NK: NDArray[Float], categories: Sequence[str]) -> tuple[list[str], NDArray[Float]]:
    """The most likely category of each image and its probability, (N,); "" and 0 where all are ruled out."""
    shares = shares_NK.max(axis=1)
    best = zip(shares_NK.argmax(axis=1).tolist(), (shares >= 0).tolist(), strict=True)
    return [categories[column] if is_left else "" for column, is_left in best], shares.clip(0)
