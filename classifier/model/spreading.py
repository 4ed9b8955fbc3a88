"""Answers spread over a graph of near pictures: what is near is likely of the same category.

Local and global consistency (Zhou et al. 2003, "Learning with Local and Global Consistency"): each picture's answer is
mixed with those of its neighbors, round after round, while labels stay what they are. How many pictures a category has
is never evened. Measured: docs/LOG.md.
"""

# Shapes: N pictures, M neighbors, K categories.

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

SHARE: Final = 0.5
"""How much of an answer comes from the neighbors; 0.3 to 0.7 did much the same (docs/LOG.md)."""
ROUNDS: Final = 12
"""After so many, what further rounds would change is below 0.5 to the power of 12."""
_POWER: Final = 3
_APART: Final = 0.5
"""Weight of a tie to nothing that each picture has; without it, good answers become worse (docs/LOG.md)."""
_LEAST: Final = 1e-7
"""Of a share, so that its logarithm is finite."""
_COLUMNS: Final = 64
"""Categories spread at once, which bounds the memory."""


def graph_of(neighbors_NM: NDArray[np.int32], cosines_NM: NDArray[np.float32]) -> csr_array:
    """The graph in which each picture is tied to its neighbors and to those that it is a neighbor of, (N, N).

    Ties weigh as the cosine to the third power, none below 0, and are divided by the roots of what both ends have, and
    a little more: so a picture far from all others is answered rather by itself.
    """
    from scipy.sparse import csr_array, dia_array  # noqa: PLC0415 - half a second, which other sorts do without

    count, width = neighbors_NM.shape
    weights = np.clip(cosines_NM, 0, 1).astype(np.float32) ** _POWER
    starts = np.arange(count + 1, dtype=np.int64) * width
    one_way = csr_array((weights.ravel(), neighbors_NM.ravel().astype(np.int64), starts), shape=(count, count))
    both_ways = one_way.maximum(one_way.T)
    roots = 1 / np.sqrt(both_ways.sum(axis=1) + _APART)
    scale = dia_array((roots[None].astype(np.float32), [0]), shape=(count, count))
    return (scale @ both_ways @ scale).tocsr()


def spread(graph: csr_array, shares_NK: NDArray[np.floating], labels_N: NDArray[np.int64]) -> NDArray[np.float32]:
    """Log probabilities after spreading, float32 (N, K).

    `shares_NK` are the probabilities of each picture by itself; where `labels_N` is not -1 it is known to be of that
    category, and others hear of nothing else from it.
    """
    known = np.flatnonzero(labels_N >= 0)
    mixed = np.empty(shares_NK.shape, np.float32)
    for first in range(0, shares_NK.shape[1], _COLUMNS):
        columns = slice(first, first + _COLUMNS)
        own = shares_NK[:, columns].astype(np.float32)
        truths = (labels_N[known, None] == np.arange(own.shape[1]) + first).astype(np.float32)
        own[known] = truths
        now = own.copy()
        for _ in range(ROUNDS):
            now = SHARE * (graph @ now) + (1 - SHARE) * own
            heard, now[known] = now[known], truths
        now[known] = heard
        mixed[:, columns] = now
    mixed /= mixed.sum(axis=1, keepdims=True)
    return np.log(np.maximum(mixed, _LEAST))
