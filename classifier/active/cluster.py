"""Clusters of similar images: the grids of a sample, the order of similar ones, and diversity of what is asked."""

# Shapes: N images, S width, C clusters.

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
        """Numbered by the sum of closeness: large and tight clusters come first."""
        sums = np.bincount(self.ids, weights=self.closeness, minlength=len(self.centers)).astype(np.float64)
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
