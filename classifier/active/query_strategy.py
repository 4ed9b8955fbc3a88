"""The query strategy: an order of images, uncertain and diverse first, and clusters of similar ones."""

# Shapes: N pictures, D embedding width, K categories.

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from sklearn.cluster import KMeans, MiniBatchKMeans

from classifier.model.head import l2_normalize

if TYPE_CHECKING:
    from numpy.typing import NDArray

DIVERSE_COUNT: Final = 4096
"""How many of the most uncertain are put in an order that is diverse too; the rest follows by uncertainty alone."""
_IN_A_GROUP: Final = 16
_MOST_GROUPS: Final = 192
_ALIKE: Final = 60
_MOST_LOOKS: Final = 500
_SAMPLE: Final = 10_000


def margin_order(
    embeddings_ND: NDArray[np.float32], probabilities_NK: NDArray[np.floating], *, seed: int = 0
) -> NDArray[np.int64]:
    """Row numbers, int64 (N,), the most informative first; each row once.

    Uncertainty is the margin between the two most likely categories. For diversity, the most uncertain are taken in
    rounds, one of each cluster a round (after Citovsky et al. 2021). Embeddings may have any scale and width.
    """
    uncertain = np.argsort(_margins(probabilities_NK), kind="stable")
    soon = uncertain[:DIVERSE_COUNT]
    groups = min(len(soon) // _IN_A_GROUP, _MOST_GROUPS)
    if groups < 2:  # noqa: PLR2004 - one group has no rounds
        return uncertain
    unit = l2_normalize(embeddings_ND[soon])
    group_of = KMeans(groups, n_init=1, max_iter=30, random_state=seed).fit_predict(unit)
    # `soon` is by margin, so the first of a group in it is its most uncertain.
    by_group = np.argsort(group_of, kind="stable")
    starts = np.searchsorted(group_of[by_group], np.arange(groups))
    rounds = np.empty(len(soon), dtype=np.int64)
    rounds[by_group] = np.arange(len(soon)) - starts[group_of[by_group]]
    return np.concatenate([soon[np.argsort(rounds, kind="stable")], uncertain[DIVERSE_COUNT:]])


def cluster_ids(embeddings_ND: NDArray[np.float32], *, seed: int = 0) -> NDArray[np.int64]:
    """The cluster of each image, int64 (N,); neighboring numbers are more similar than others."""
    count = min(len(embeddings_ND) // _ALIKE, _MOST_LOOKS)
    if count < 2:  # noqa: PLR2004 - one cluster is all of them
        return np.zeros(len(embeddings_ND), dtype=np.int64)
    unit = l2_normalize(embeddings_ND)
    sample = unit[np.random.default_rng(seed).permutation(len(unit))[:_SAMPLE]]
    clusters = MiniBatchKMeans(count, init="random", n_init=1, batch_size=4096, max_iter=20, random_state=seed).fit(
        sample
    )
    centers = clusters.cluster_centers_
    apart = np.linalg.svd(centers - centers.mean(axis=0), full_matrices=False)[2][0]
    rank = np.empty(count, dtype=np.int64)
    rank[np.argsort(centers @ apart, kind="stable")] = np.arange(count)
    nearest = np.concatenate([_nearest(part, centers) for part in np.array_split(unit, len(unit) // 8192 + 1)])
    return np.asarray(rank[nearest], dtype=np.int64)


def _margins(probabilities_NK: NDArray[np.floating]) -> NDArray[np.floating]:
    """The margin between the two most likely categories, (N,)."""
    if probabilities_NK.shape[1] < 2:  # noqa: PLR2004 - nothing is next
        return np.ones(len(probabilities_NK))
    two = np.partition(probabilities_NK, -2, axis=1)[:, -2:]
    return np.asarray(two[:, 1] - two[:, 0])


def _nearest(directions_MD: NDArray[np.float32], centers: NDArray[np.float32]) -> NDArray[np.int64]:
    distances = np.square(centers).sum(axis=1) - 2 * directions_MD @ centers.T
    return np.asarray(distances.argmin(axis=1), dtype=np.int64)
