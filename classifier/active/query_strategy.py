"""Query strategies: which images a person is asked about first, and which predictions are worth showing."""

# Shapes: N images, S width, K categories.

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from classifier.active.cluster import cluster
from classifier.model.head import l2_normalize

if TYPE_CHECKING:
    from numpy.typing import NDArray

DIVERSE_COUNT: Final = 4096
"""How many of the most uncertain are put in an order that is diverse too; the rest follows by uncertainty alone."""
_NEIGHBORS: Final = 20
"""Neighbors per image: a tenth of all images, at most this many and at least a quarter of it."""
_MIN_LABELED: Final = 4
"""How many of them must be labeled with the predicted category; measured: docs/LOG.md."""
_CHUNK: Final = 512


def margin_order(
    vectors_NS: NDArray[np.float32], probabilities_NK: NDArray[np.floating], *, seed: int = 0
) -> NDArray[np.int64]:
    """Row numbers, int64 (N,), the most informative first; each row once.

    Uncertainty is the margin between the two most likely categories. For diversity, the most uncertain are taken in
    rounds, one of each cluster a round (after Citovsky et al. 2021). The vectors are embeddings of any scale and width.
    """
    uncertain = np.argsort(_margins(probabilities_NK), kind="stable")
    first = uncertain[:DIVERSE_COUNT]
    cluster_of = cluster(vectors_NS[first], size=16, most=192, seed=seed).ids
    # `first` is by margin, so the first of a cluster in it is its most uncertain.
    by_cluster = np.argsort(cluster_of, kind="stable")
    starts = np.searchsorted(cluster_of[by_cluster], cluster_of)
    rounds = np.empty(len(first), dtype=np.int64)
    rounds[by_cluster] = np.arange(len(first)) - starts[by_cluster]
    return np.concatenate([first[np.argsort(rounds, kind="stable")], uncertain[DIVERSE_COUNT:]])


def has_labeled_neighbors(
    vectors_NS: NDArray[np.float32], labels_N: NDArray[np.int64], predicted_N: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Whether enough of each image's nearest neighbors are labeled with its predicted category, (N,).

    A head fitted to two categories assigns every image to one of them, so its prediction counts only where labeled
    images of that category are near. `labels_N` are category numbers, -1 for unlabeled images. A vector of zeros has no
    neighbors. At least two images.
    """
    unit = l2_normalize(vectors_NS)
    count = min(len(unit) - 1, max(_NEIGHBORS // 4, min(_NEIGHBORS, len(unit) // 10)))
    found = np.zeros(len(unit), dtype=bool)
    for start in range(0, len(unit), _CHUNK):
        part = slice(start, start + _CHUNK)
        cosines = unit[part] @ unit.T
        rows = np.arange(len(cosines))
        cosines[rows, start + rows] = -np.inf  # each is nearest to itself
        nearest = np.argpartition(-cosines, count - 1, axis=1)[:, :count]
        found[part] = (labels_N[nearest] == predicted_N[part, None]).sum(axis=1) >= _MIN_LABELED
    return found & unit.any(axis=1)


def _margins(probabilities_NK: NDArray[np.floating]) -> NDArray[np.floating]:
    """The margin between the two most likely categories, (N,)."""
    if probabilities_NK.shape[1] < 2:  # noqa: PLR2004 - nothing is next
        return np.ones(len(probabilities_NK))
    two = np.partition(probabilities_NK, -2, axis=1)[:, -2:]
    return np.asarray(two[:, 1] - two[:, 0])
