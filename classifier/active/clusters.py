"""Clusters of a sample without labels: similar images together, written as the first ranking of the queue."""

# Shapes: N pictures, D embedding width, R rotated width, C clusters.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from sklearn.cluster import KMeans

from classifier.catalog.ranking import Rank, write
from classifier.model.head import standardize_pca
from classifier.records import Action

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from classifier.active.encoder import LoadedEmbeddings


_PER_CLUSTER: Final = 30
"""Half a grid: small enough to be mostly of one category, large enough to label many images at once."""
_MOST: Final = 200
_LEAST_SPREAD: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Clusters:
    """`cluster_id` (N,) is the cluster of each image, from 0: clusters with the most to label at once come first.

    `closeness` (N,) is the cosine to the cluster's center, -1..1.
    """

    cluster_id: NDArray[np.int64]
    closeness: NDArray[np.float64]

    def in_order(self) -> NDArray[np.int64]:
        """Image numbers, (N,): cluster after cluster, in each the closest to its center first."""
        return np.lexsort((-self.closeness, self.cluster_id))


def cluster_sample(embeddings_ND: NDArray[np.float32], *, seed: int = 0) -> Clusters:
    """K-means clusters of about 30 images; large and tight ones come first."""
    if len(embeddings_ND) < _LEAST_SPREAD:
        nothing = np.zeros(len(embeddings_ND))
        return Clusters(cluster_id=nothing.astype(np.int64), closeness=nothing)
    unit = reduced_directions(embeddings_ND)
    count = min(_MOST, max(1, round(len(unit) / _PER_CLUSTER)))
    found = KMeans(count, n_init=3, random_state=seed).fit(unit)
    lengths = np.linalg.norm(found.cluster_centers_, axis=1, keepdims=True)
    centers = found.cluster_centers_ / np.where(lengths == 0, 1, lengths)
    closeness = (unit * centers[found.labels_]).sum(axis=1)
    worth = np.bincount(found.labels_, weights=closeness, minlength=count)  # size times mean closeness
    place = np.empty(count, dtype=np.int64)
    place[np.argsort(-worth, kind="stable")] = np.arange(count)
    return Clusters(cluster_id=place[found.labels_], closeness=closeness)


def write_clusters(library: Path, seen: LoadedEmbeddings) -> None:
    """Cluster a sample and write the result as the newest ranking of `library`."""
    found = cluster_sample(seen.embeddings)
    ranks = (
        Rank(
            position=place,
            picture=seen.pictures[index],
            action=Action.REVIEW.value,
            category="",
            confidence=0.0,
            cluster_id=int(found.cluster_id[index]),
            logits=None,
        )
        for place, index in enumerate(found.in_order().tolist())
    )
    write(library, ranks, meta={"categories": [], "temperature": 1.0, "verdicts": 0})


def reduced_directions(embeddings_ND: NDArray[np.float32]) -> NDArray[np.float64]:
    """The embeddings after standardization and PCA, L2-normalized, (N, R)."""
    rows = standardize_pca(embeddings_ND).astype(np.float64)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths == 0, 1, lengths)
