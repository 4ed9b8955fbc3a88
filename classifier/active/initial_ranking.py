"""What is known of pictures that wait before anything was said: which look alike, for the review page to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.active.clusters import cluster
from classifier.catalog.ranking import Rank, write
from classifier.records import Action

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.active.load_embeddings import LoadedEmbeddings


def write_looks(library: Path, seen: LoadedEmbeddings) -> None:
    """Put what was seen into clusters, and write them as the newest outlook of `library`."""
    found = cluster(seen.embeddings)
    ranks = (
        Rank(
            place=place,
            picture=seen.pictures[index],
            action=Action.REVIEW.value,
            category="",
            confidence=0.0,
            look=int(found.look[index]),
            logits=None,
        )
        for place, index in enumerate(found.in_order().tolist())
    )
    write(library, ranks, meta={"categories": [], "temperature": 1.0, "verdicts": 0})
