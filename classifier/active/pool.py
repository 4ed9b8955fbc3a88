"""The pool: images that wait and have a stored embedding, how it is read, and how many of it could be filed."""

# Shapes: N pictures that wait, D embedding width, S short width, K categories.
# Shapes: N pictures.

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final

import numpy as np
from threadpoolctl import threadpool_limits

from classifier.catalog.embeddings import waiting_rows
from classifier.catalog.shards import read_shard
from classifier.model.risk_control import estimated_threshold
from classifier.records import PictureId

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from classifier.catalog.connection import Catalog
    from classifier.catalog.strictness import Strictness


PCA_WIDTH: Final = 64
_THREADS: Final = 2
_SAMPLE: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Images that wait, by shard and row; an image's number in the pool is its index in `pictures`."""

    shards: Sequence[tuple[int, int, Sequence[tuple[int, PictureId]]]]
    """Each shard with the number of its first picture, and row and picture of all that wait."""
    pictures: Sequence[PictureId]
    actions: Sequence[str]

    def __len__(self) -> int:
        return len(self.pictures)


def load_pool(catalog: Catalog, backbone: str) -> Pool:
    """All images that wait and have a stored embedding."""
    rows = waiting_rows(catalog, backbone)
    shards, first = [], 0
    for shard, group in groupby(rows, key=lambda row: int(row[0])):
        wanted = [(int(row[1]), PictureId(row[2])) for row in group]
        shards.append((shard, first, wanted))
        first += len(wanted)
    return Pool(shards=shards, pictures=[PictureId(row[2]) for row in rows], actions=[row[3] for row in rows])


def read_pool(folder: Path, pool: Pool, use: Callable[[NDArray[np.int64], NDArray[np.float32]], None]) -> None:
    """Call `use` with each part of the pool: numbers in the pool and float32 (M, D), from two threads.

    The embedding store leaves out what cannot be read; `use` leaves out other widths.
    """

    def read(shard: int, first: int, wanted: Sequence[tuple[int, PictureId]]) -> None:
        numbers = {picture: first + place for place, (_, picture) in enumerate(wanted)}
        for part in read_shard(folder, shard, wanted):
            use(np.array([numbers[picture] for picture in part.pictures], dtype=np.int64), part.embeddings)

    # Two readers that each calculate with two threads wait for each other more than they calculate.
    with threadpool_limits(1), ThreadPoolExecutor(_THREADS) as threads:
        for done in [threads.submit(read, *shard) for shard in pool.shards]:
            done.result()


def pca_axes(sample_MD: NDArray[np.float32]) -> NDArray[np.float32]:
    """Principal axes of a sample, float32 (D, S): `embeddings @ axes` is short and keeps most of the variance."""
    centered = sample_MD[:_SAMPLE] - sample_MD[:_SAMPLE].mean(axis=0)
    _, axes = np.linalg.eigh(centered.T @ centered)
    return np.ascontiguousarray(axes[:, -PCA_WIDTH:], dtype=np.float32)


def count_fileable(confidences: NDArray[np.floating], strictness: Strictness, *, default: float) -> int:
    """How many of these calibrated confidences, (N,), would be filed; `default` is the threshold of the model.

    A guarantee takes the refitted model, so this estimates it: as many as keep the mean of 1 - confidence at or below
    the error rate. Without a guarantee a sort uses the same threshold.
    """
    if strictness.max_error is None:
        return int((confidences >= (strictness.threshold or default)).sum())
    if not strictness.guaranteed:
        return int((confidences >= estimated_threshold(strictness.max_error)).sum())
    surest = np.sort(confidences.astype(np.float64))[::-1]
    errors = np.cumsum(1 - surest) / np.arange(1, len(surest) + 1)
    return int((errors <= strictness.max_error).sum())  # the mean only grows, for the surest come first
