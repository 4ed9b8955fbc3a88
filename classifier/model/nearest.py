"""The nearest rows of each row, by cosine: all against all where there are few, else among rows of near clusters."""

# Shapes: N rows, S width, M neighbors, C clusters.

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from classifier.model.head import l2_normalize

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Rows = NDArray[np.int64]

NEIGHBORS: Final = 5
FEW: Final = 8_192
"""Rows that are compared each with each: so many take a second."""
_IN_CLUSTER: Final = 512
_MOST_IN_CLUSTER: Final = 4_096
"""A larger one, as where nearly all pictures are alike, is compared in pieces, which bounds time and memory."""
_CLUSTERS_SEARCHED: Final = 12
_ROUNDS: Final = 5
_AT_ONCE: Final = 512
"""Rows compared at once with others, which bounds the memory."""
_SAMPLE_EACH: Final = 64
"""Rows for each cluster by which the centers are found."""
_ITSELF: Final = -2
"""Below every cosine."""


def nearest(rows_NS: NDArray[np.float32], *, seed: int = 0) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The five nearest others of each row of length 1, int32 (N, M), and their cosines, float32 (N, M).

    Fewer rows than that have all others. Among many, a neighbor in a distant cluster is missed (docs/LOG.md).
    """
    count, most = len(rows_NS), min(NEIGHBORS, max(len(rows_NS) - 1, 0))
    neighbors = np.zeros((count, most), np.int32)
    cosines = np.zeros((count, most), np.float32)
    if not most:
        return neighbors, cosines
    for wanted, others in _parts(rows_NS, seed):
        for start in range(0, len(wanted), _AT_ONCE):
            part = wanted[start : start + _AT_ONCE]
            neighbors[part], cosines[part] = _best(rows_NS, part, others, most)
    return neighbors, cosines


def _best(
    rows_NS: NDArray[np.float32], part: Rows, others: Rows, most: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The `most` nearest of `others` to each row of `part`, itself apart."""
    products = rows_NS[part] @ rows_NS[others].T
    itself = np.flatnonzero(np.isin(others, part))
    products[np.searchsorted(part, others[itself]), itself] = _ITSELF
    best = np.argpartition(products, -most, axis=1)[:, -most:]
    return others[best], np.take_along_axis(products, best, axis=1)


def _parts(rows_NS: NDArray[np.float32], seed: int) -> Iterator[tuple[Rows, Rows]]:
    """Rows, and among which others their neighbors are looked for; each row once, both in ascending order."""
    everything = np.arange(len(rows_NS))
    if len(rows_NS) <= FEW:
        yield everything, everything
        return
    centers, cluster_N = _clusters(rows_NS, seed)
    filled, counts = np.unique(cluster_N, return_counts=True)
    members = np.split(np.argsort(cluster_N, kind="stable"), np.cumsum(counts)[:-1])
    chance = np.random.default_rng(seed)
    pieces = [_pieces(cluster, chance) for cluster in members]
    near = np.argsort(-(centers[filled] @ centers[filled].T), axis=1)
    for number, own in enumerate(pieces):
        others = [pieces[other] for other in near[number] if other != number][: _CLUSTERS_SEARCHED - 1]
        for turn, wanted in enumerate(own):
            yield wanted, np.sort(np.concatenate([wanted, *(other[turn % len(other)] for other in others)]))


def _pieces(cluster: Rows, chance: np.random.Generator) -> list[Rows]:
    """The rows of a cluster, dealt out by chance where they are too many to be compared each with each."""
    count = -(-len(cluster) // _MOST_IN_CLUSTER)
    return [np.sort(piece) for piece in np.array_split(chance.permutation(cluster), count)]


def _clusters(rows_NS: NDArray[np.float32], seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Centers of length 1, (C, S), by a few rounds of k-means over a sample, and the nearest to each row, (N,)."""
    chance, count = np.random.default_rng(seed), -(-len(rows_NS) // _IN_CLUSTER)
    sample = rows_NS[np.sort(chance.permutation(len(rows_NS))[: count * _SAMPLE_EACH])]
    centers = sample[chance.permutation(len(sample))[:count]]
    for _ in range(_ROUNDS):
        nearest_N = _nearest_center(sample, centers)
        sums = np.zeros_like(centers)
        np.add.at(sums, nearest_N, sample)
        centers = l2_normalize(sums)
    return centers, _nearest_center(rows_NS, centers)


def _nearest_center(rows_NS: NDArray[np.float32], centers_CS: NDArray[np.float32]) -> NDArray[np.int64]:
    starts = range(0, len(rows_NS), FEW)
    return np.concatenate([(rows_NS[start : start + FEW] @ centers_CS.T).argmax(axis=1) for start in starts])
