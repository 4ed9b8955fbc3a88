"""The nodes of the graph that answers are spread over: pictures with a stored embedding, and the labels besides.

An image is one node, whether it is in the crawl, a label, or both. What the heads say of each node is kept half as
precise as usual, for there are six answers a picture.
"""

# Shapes: N nodes, L labels, H heads, K categories, D embedding width, S short width.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from classifier.catalog.shards import read_rows
from classifier.model.head import fit_pca, l2_normalize

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from classifier.model.combined_head import CombinedHead
    from classifier.model.labeled_embeddings import LabeledEmbeddings
    from classifier.records import ImageId

Location = tuple[int, int, "ImageId"]
"""Shard, row and image."""

_SHORT: Final = 128
"""Directions by which pictures are compared; more found no better neighbors (docs/LOG.md)."""
_SAMPLE: Final = 4_096
"""Pictures by which these are found."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Nodes:
    """`image_ids` of the N nodes; `short`, float32 (N, S) of length 1; `logits`, float16 (H, N, K), by each head.

    `labels`, int64 (L,), are the nodes of the labels. Only the first `stored` nodes have an answer in the catalog.
    """

    image_ids: Sequence[ImageId]
    short: NDArray[np.float32]
    logits: NDArray[np.float16]
    labels: NDArray[np.int64]
    stored: int


def read_nodes(
    folder: Path,
    locations: Sequence[Location],
    labeled: LabeledEmbeddings,
    heads: Sequence[CombinedHead],
    *,
    advance: Callable[[int], None],
) -> Nodes:
    """Read the embeddings at `locations`, in order of shard and row; those that are damaged or do not fit are none."""
    widths = heads[0].widths
    sample = [part.embeddings for part in read_rows(folder, _sampled(locations), widths=widths)]
    if (
        not sample or len(locations) < _SAMPLE
    ):  # where there are as many, neighbors do not change with the labels and can be kept
        sample.append(labeled.embeddings[:_SAMPLE])
    project = fit_pca(np.concatenate(sample), width=_SHORT)
    ids: list[ImageId] = []
    short: list[NDArray[np.float32]] = []
    logits: list[NDArray[np.float16]] = []

    def add(image_ids: Sequence[ImageId], embeddings: NDArray[np.float32], stats: NDArray[np.float32]) -> None:
        ids.extend(image_ids)
        short.append(l2_normalize(project(embeddings)))
        logits.append(np.stack([head(embeddings, stats) for head in heads]).astype(np.float16))

    for part in read_rows(folder, locations, widths=widths):
        add(part.image_ids, part.embeddings, part.stats)
        advance(len(part.image_ids))
    stored, node_of = len(ids), {image_id: node for node, image_id in enumerate(ids)}
    others = [row for row, image_id in enumerate(labeled.image_ids) if image_id not in node_of]
    if others and labeled.stats is not None:
        add([labeled.image_ids[row] for row in others], labeled.embeddings[others], labeled.stats[others])
    node_of |= {image_id: stored + place for place, image_id in enumerate(ids[stored:])}
    return Nodes(
        image_ids=ids,
        short=np.concatenate(short),
        logits=np.concatenate(logits, axis=1),
        labels=np.array([node_of[image_id] for image_id in labeled.image_ids], dtype=np.int64),
        stored=stored,
    )


def _sampled(locations: Sequence[Location]) -> list[Location]:
    chosen = np.random.default_rng(0).permutation(len(locations))[:_SAMPLE]
    return [locations[place] for place in np.sort(chosen).tolist()]
