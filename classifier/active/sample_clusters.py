"""The clusters of a sample, which are its first ranking, and what a tagger proposes to call them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from classifier.active.query_strategy import cluster
from classifier.catalog import ranking
from classifier.catalog.ranking import Rank
from classifier.model.head import fit_pca
from classifier.records import Action

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.active.encoder import LoadedEmbeddings
    from classifier.model.tags import Tags

_SEED: Final = 0


def write_clusters(library: Path, loaded: LoadedEmbeddings, tags: Tags | None = None) -> None:
    """Cluster a sample; its first ranking has cluster after cluster, in each the closest to its center first.

    Clusters of about 30 images, half a grid, are mostly of one category, and many are labeled at once.
    A tagger's `tags` propose what they may be called.
    """
    short = fit_pca(loaded.embeddings)(loaded.embeddings)
    clusters = cluster(short, size=30, most=200, starts=3, seed=_SEED).largest_first()
    ranks = (
        Rank(
            position=position,
            image_id=loaded.image_ids[row],
            action=Action.REVIEW.value,
            category="",
            confidence=0.0,
            cluster_id=int(clusters.ids[row]),
            logits=None,
        )
        for position, row in enumerate(np.lexsort((-clusters.closeness, clusters.ids)).tolist())
    )
    names = {} if tags is None else tags.cluster_names(loaded.embeddings, clusters.ids)
    meta = {"categories": [], "temperature": 1.0, "verdicts": 0, ranking.CLUSTER_NAMES: names}
    ranking.write(library, ranks, meta=meta)
