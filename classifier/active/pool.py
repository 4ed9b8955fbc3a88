"""The pool: the images that a learner ranks, read from the store of embeddings part by part."""

# Shapes: N images of the pool, D embedding width, M images of a part.

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final

import numpy as np
from threadpoolctl import threadpool_limits

from classifier.catalog.embeddings import decided_rows
from classifier.catalog.shards import EmbeddingBatch, read_shard
from classifier.records import Action, ImageId

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from classifier.catalog.connection import Catalog

_THREADS: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Images with a stored embedding, by shard and row; an image's number is its index in `image_ids`."""

    folder: Path
    shards: Sequence[tuple[int, int, Sequence[tuple[int, ImageId]]]]
    """Each shard with the number of its first image, and row and image of all that are in the pool."""
    image_ids: Sequence[ImageId]
    actions: Sequence[str]

    def __len__(self) -> int:
        return len(self.image_ids)

    def map(self, function: Callable[[NDArray[np.float32]], NDArray[np.float32]], *, width: int) -> NDArray[np.float32]:
        """`function` of all embeddings, called with float32 (M, D) from two threads; float32 (N, ...).

        Embeddings that are damaged, or are not of this width, have zeros.
        """
        return self.map_rows(lambda rows: function(rows.embeddings), width=width)

    def map_rows(
        self, function: Callable[[EmbeddingBatch], NDArray[np.float32]], *, width: int, stats: int = 0
    ) -> NDArray[np.float32]:
        """As `map`, of embeddings with their statistics, which must be `stats` wide unless that is 0."""
        one = EmbeddingBatch(
            image_ids=[], embeddings=np.zeros((1, width), np.float32), stats=np.zeros((1, stats), np.float32)
        )
        found = np.zeros((len(self), *function(one).shape[1:]), dtype=np.float32)

        def read(shard: int, first: int, wanted: Sequence[tuple[int, ImageId]]) -> None:
            number_of = {image_id: first + number for number, (_, image_id) in enumerate(wanted)}
            for part in read_shard(self.folder, shard, wanted):
                if part.embeddings.shape[1] == width and (not stats or part.stats.shape[1] == stats):
                    found[[number_of[image_id] for image_id in part.image_ids]] = function(part)

        # Two readers that each calculate with two threads wait for each other more than they calculate.
        with threadpool_limits(1), ThreadPoolExecutor(_THREADS) as threads:
            for done in [threads.submit(read, *shard) for shard in self.shards]:
                done.result()
        return found


WAITING: Final = (Action.REVIEW, Action.UNKNOWN)


def load_pool(
    catalog: Catalog,
    folder: Path,
    *,
    backbone: str,
    wanted: Container[ImageId] | None = None,
    actions: Sequence[Action] = WAITING,
) -> Pool:
    """All images with one of these actions; or those of `wanted`, as if they waited in review, where they may be."""
    if wanted is None:
        rows = decided_rows(catalog, backbone, [action.value for action in actions])
    else:
        decided = decided_rows(catalog, backbone, [action.value for action in Action])
        rows = [
            (shard, row, image_id, Action.REVIEW.value) for shard, row, image_id, _ in decided if image_id in wanted
        ]
    shards, first = [], 0
    for shard, group in groupby(rows, key=lambda row: row[0]):
        located = [(row, ImageId(image_id)) for _, row, image_id, _ in group]
        shards.append((shard, first, located))
        first += len(located)
    image_ids = [ImageId(image_id) for _, _, image_id, _ in rows]
    return Pool(folder=folder, shards=shards, image_ids=image_ids, actions=[action for _, _, _, action in rows])
