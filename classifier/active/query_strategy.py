"""Query strategies: which images a person is asked about first, in grids of similar ones, and what is shown of them.

Clusters of similar images are the grids of a sample, the order of similar ones, and diversity of what is asked.
"""

# Shapes: N images, S width, C clusters, K categories.

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from sklearn.cluster import KMeans

from classifier.model.head import l2_normalize

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SAMPLE: Final = 10_000
"""Images that the centers are fitted to; the others join the nearest center."""
_MOST_CAREFUL: Final = 200
"""For more clusters, k-means++ takes many times as long as all that follows it: docs/LOG.md."""
_CHUNK: Final = 8192


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Clusters:
    """`ids` int64 (N,) is the cluster of each image, 0..C-1; `centers` float32 (C, S).

    `closeness` float32 (N,) is the cosine of an image to its center, -1..1.
    """

    ids: NDArray[np.int64]
    centers: NDArray[np.float32]
    closeness: NDArray[np.float32]

    def largest_first(self) -> Clusters:
        """Numbered by how much closer their images are than usual: large and tight clusters first, leftovers last."""
        closer = self.closeness - self.closeness.mean() if len(self.closeness) else self.closeness
        sums = np.bincount(self.ids, weights=closer, minlength=len(self.centers)).astype(np.float64)
        return self._numbered(-sums)

    def similar_adjacent(self) -> Clusters:
        """Numbered along the axis in which the centers differ most, so that similar clusters have close numbers."""
        axis = np.linalg.svd(self.centers - self.centers.mean(axis=0), full_matrices=False)[2][0]
        return self._numbered(self.centers @ axis)

    def _numbered(self, keys_C: NDArray[np.floating]) -> Clusters:
        order = np.argsort(keys_C, kind="stable")
        number_of = np.empty(len(order), dtype=np.int64)
        number_of[order] = np.arange(len(order))
        return replace(self, ids=number_of[self.ids], centers=self.centers[order])


def cluster(vectors_NS: NDArray[np.float32], *, size: int, most: int, starts: int = 1, seed: int = 0) -> Clusters:
    """K-means clusters, by angle, of about `size` images, at most `most` of them; few images are one cluster.

    The best of `starts` attempts is taken.
    """
    unit = l2_normalize(vectors_NS)
    count = max(1, min(len(unit) // size, most))
    centers = np.zeros((1, unit.shape[1]), dtype=np.float32) if count == 1 else _fit(unit, count, starts, seed)
    chunks = (unit[start : start + _CHUNK] for start in range(0, len(unit), _CHUNK))
    ids = np.concatenate([np.empty(0, dtype=np.int64), *(_nearest(chunk, centers) for chunk in chunks)])
    return Clusters(ids=ids, centers=centers, closeness=np.einsum("ns,ns->n", unit, l2_normalize(centers)[ids]))


def _fit(unit_NS: NDArray[np.float32], count: int, starts: int, seed: int) -> NDArray[np.float32]:
    """The centers, float32 (C, S)."""
    sample = unit_NS
    if len(unit_NS) > _SAMPLE:
        sample = unit_NS[np.random.default_rng(seed).permutation(len(unit_NS))[:_SAMPLE]]
    init = "k-means++" if count <= _MOST_CAREFUL else "random"
    means = KMeans(count, init=init, n_init=starts, max_iter=100, random_state=seed).fit(sample)
    return np.asarray(means.cluster_centers_, dtype=np.float32)


def _nearest(unit_NS: NDArray[np.float32], centers_CS: NDArray[np.float32]) -> NDArray[np.int64]:
    distances = np.square(centers_CS).sum(axis=1) - 2 * unit_NS @ centers_CS.T
    return np.asarray(distances.argmin(axis=1), dtype=np.int64)


DIVERSE_COUNT: Final = 4096
"""How many of the most uncertain are put in an order that is diverse too; the rest follows by uncertainty alone."""
_NEIGHBORS: Final = 20
"""Neighbors per image: a tenth of all images, at most this many and at least a quarter of it."""
_MIN_LABELED: Final = 4
"""How many of them must be labeled with the predicted category; measured: docs/LOG.md."""
_ROWS: Final = 512


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
    for start in range(0, len(unit), _ROWS):
        part = slice(start, start + _ROWS)
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
