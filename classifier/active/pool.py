"""What waits and is known: which pictures, where their embeddings lie, and how they are read, part by part."""

# Shapes: N pictures that wait, D embedding width, S short width, K categories.

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final

import numpy as np
from threadpoolctl import threadpool_limits

from classifier.catalog.shards import read_shard
from classifier.records import PictureId

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from classifier.catalog.connection import Catalog

SHORT: Final = 64
_THREADS: Final = 2
_SAMPLE: Final = 4096
_WAITING: Final = """
SELECT e.shard, e.row, d.picture, d.action FROM decisions AS d
CROSS JOIN embeddings AS e ON e.picture = d.picture AND e.backbone = ?
WHERE d.action IN ('review', 'unknown') ORDER BY e.shard, e.row
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """The pictures that wait, by shard and row; a picture's number in the pool is its place in `pictures`."""

    shards: Sequence[tuple[int, int, Sequence[tuple[int, PictureId]]]]
    """Each shard with the number of its first picture, and row and picture of all that wait."""
    pictures: Sequence[PictureId]
    actions: Sequence[str]

    def __len__(self) -> int:
        return len(self.pictures)


def waiting_pool(catalog: Catalog, backbone: str) -> Pool:
    """What waits and has its embedding kept."""
    rows = catalog.connection.execute(_WAITING, (backbone,)).fetchall()
    shards, first = [], 0
    for shard, group in groupby(rows, key=lambda row: int(row[0])):
        wanted = [(int(row[1]), PictureId(row[2])) for row in group]
        shards.append((shard, first, wanted))
        first += len(wanted)
    return Pool(shards=shards, pictures=[PictureId(row[2]) for row in rows], actions=[row[3] for row in rows])


def read_pool(folder: Path, pool: Pool, use: Callable[[NDArray[np.int64], NDArray[np.float32]], None]) -> None:
    """Hand each part of the pool's embeddings to `use`, as numbers in the pool and float32 (M, D), from two threads.

    What cannot be read, or has another width than the first, is left out by the store or by `use`.
    """

    def read(shard: int, first: int, wanted: Sequence[tuple[int, PictureId]]) -> None:
        numbers = {picture: first + place for place, (_, picture) in enumerate(wanted)}
        for part in read_shard(folder, shard, wanted):
            use(np.array([numbers[picture] for picture in part.pictures], dtype=np.int64), part.embeddings)

    # Two readers that each calculate with two threads wait for each other more than they calculate.
    with threadpool_limits(1), ThreadPoolExecutor(_THREADS) as threads:
        for done in [threads.submit(read, *shard) for shard in pool.shards]:
            done.result()


def shortener(sample_MD: NDArray[np.float32]) -> NDArray[np.float32]:
    """What makes embeddings short and keeps most of what tells them apart: float32 (D, S), of a sample of them."""
    centred = sample_MD[:_SAMPLE] - sample_MD[:_SAMPLE].mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    return np.ascontiguousarray(axes[:, -SHORT:], dtype=np.float32)
