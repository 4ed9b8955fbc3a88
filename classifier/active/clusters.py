"""Puts pictures that look alike together, before anything is known of them. Pure: numbers in, numbers out."""

# Shapes: N pictures, D embedding width, R rotated width, C clusters.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from sklearn.cluster import KMeans

from classifier.active.knn_filter import directions

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PER_CLUSTER: Final = 30
"""Half a grid: what looks alike is mostly of one category then, and few grids name many pictures."""
_MOST: Final = 200
_LEAST_SPREAD: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Clusters:
    """`look` (N,) is the cluster of each picture, from 0, those that name most pictures soonest first.

    `closeness` (N,) is the cosine to the cluster's centre, -1..1.
    """

    look: NDArray[np.int64]
    closeness: NDArray[np.float64]

    def in_order(self) -> NDArray[np.int64]:
        """The pictures, (N,): cluster after cluster, in each the closest to its centre first."""
        return np.lexsort((-self.closeness, self.look))


def cluster(embeddings_ND: NDArray[np.float32], *, seed: int = 0) -> Clusters:
    """Clusters of about 30 pictures; large and tight ones come first."""
    if len(embeddings_ND) < _LEAST_SPREAD:
        nothing = np.zeros(len(embeddings_ND))
        return Clusters(look=nothing.astype(np.int64), closeness=nothing)
    unit = directions(embeddings_ND)
    count = min(_MOST, max(1, round(len(unit) / _PER_CLUSTER)))
    found = KMeans(count, n_init=3, random_state=seed).fit(unit)
    lengths = np.linalg.norm(found.cluster_centers_, axis=1, keepdims=True)
    centres = found.cluster_centers_ / np.where(lengths == 0, 1, lengths)
    closeness = (unit * centres[found.labels_]).sum(axis=1)
    worth = np.bincount(found.labels_, weights=closeness, minlength=count)  # size times mean closeness
    place = np.empty(count, dtype=np.int64)
    place[np.argsort(-worth, kind="stable")] = np.arange(count)
    return Clusters(look=place[found.labels_], closeness=closeness)
