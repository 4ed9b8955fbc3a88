"""A locality-sensitive index of embeddings that wait: 256 bits each, compared by Hamming distance.

It returns candidates for near-duplicates. 300,000 images take 12 MB and are compared in milliseconds; what was read
once is not read again.
"""

# Shapes: N pictures that wait, M pictures of a part, D embedding width, W words of a sketch.

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from classifier.catalog.embeddings import images_at, images_of_shard, waiting_locations
from classifier.catalog.shards import read_embeddings, read_shard
from classifier.model.head import l2_normalize

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from classifier.catalog.connection import Catalog
    from classifier.records import ImageId

_BITS: Final = 256
_ROW: Final = 1 << 32
_COUNTED: Final = 64
_LIKELY: Final = 24
"""So many are looked at, of those that the sketches tell: measured in docs/LOG.md."""
_LEAST: Final = 0.75
"""Cosine: a picture of half the size is about that like itself to a network."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LshIndex:
    """`spots` int64 (N,), rising: the shard and row of each embedding; `words` uint64 (N, W): its bits.

    Each bit is the side of a random plane. Embeddings at a small angle are on the same side of nearly all planes.
    """

    spots: NDArray[np.int64]
    words: NDArray[np.uint64]

    def nearest(self, embedding: NDArray[np.float32], count: int) -> list[tuple[int, int]]:
        """Shard and row of the `count` images at the smallest Hamming distance, in no order."""
        differing = np.bitwise_count(self.words ^ _words(embedding[None])).sum(axis=1, dtype=np.int64)
        closest = np.argpartition(differing, count)[:count] if count < len(differing) else np.arange(len(differing))
        return [divmod(spot, _ROW) for spot in self.spots[closest].tolist()]


EMPTY: Final = LshIndex(spots=np.empty(0, np.int64), words=np.empty((0, _BITS // 64), np.uint64))


def build_index(
    catalog: Catalog, folder: Path, *, backbone: str, known: LshIndex, rest: Callable[[], bool]
) -> LshIndex | None:
    """The index of all that waits now; entries in `known` are reused.

    `rest` is called after every few hundred images and may sleep; False stops, with None.
    """
    waiting = waiting_locations(catalog, backbone)
    spots = np.fromiter((shard * _ROW + row for shard, row in waiting), dtype=np.int64)
    words = np.zeros((len(spots), _BITS // 64), dtype=np.uint64)
    _, there, before = np.intersect1d(spots, known.spots, assume_unique=True, return_indices=True)
    words[there] = known.words[before]
    is_known = np.zeros(len(spots), dtype=bool)
    is_known[there] = True
    for found, read in _read(catalog, folder, spots[~is_known], backbone=backbone):
        numbers = np.searchsorted(spots, found)
        words[numbers] = read
        is_known[numbers] = True
        if not rest():
            return None
    return LshIndex(spots=spots[is_known], words=words[is_known])


def candidates(
    catalog: Catalog, folder: Path, sketches: LshIndex, embedding: NDArray[np.float32], *, backbone: str
) -> list[ImageId]:
    """The few images that may nearly duplicate one with this embedding, itself included, the most similar first."""
    image_ids = images_at(catalog, backbone, sketches.nearest(embedding, _COUNTED))
    own = l2_normalize(embedding[None])[0]
    found: list[tuple[float, ImageId]] = []
    for rows in read_embeddings(catalog, folder, image_ids, backbone=backbone):
        if rows.embeddings.shape[1] == len(own):
            cosines = (l2_normalize(rows.embeddings) @ own).tolist()
            found += [(cosine, one) for cosine, one in zip(cosines, rows.image_ids, strict=True) if cosine >= _LEAST]
    return [image_id for _, image_id in sorted(found, reverse=True)[:_LIKELY]]


def _read(
    catalog: Catalog, folder: Path, spots: NDArray[np.int64], *, backbone: str
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.uint64]]]:
    """Readable entries at `spots`, rising: spots (M,) and bits (M, W), part by part."""
    for shard in np.unique(spots // _ROW).tolist():
        image_id_at = {shard * _ROW + row: one for row, one in images_of_shard(catalog, backbone, shard).items()}
        of_it = spots[spots // _ROW == shard].tolist()
        spot_of = {image_id_at[spot]: spot for spot in of_it if spot in image_id_at}
        for part in read_shard(folder, shard, [(spot % _ROW, image_id) for image_id, spot in spot_of.items()]):
            yield np.array([spot_of[one] for one in part.image_ids], dtype=np.int64), _words(part.embeddings)


def _words(embeddings: NDArray[np.float32]) -> NDArray[np.uint64]:
    return np.packbits(embeddings @ _planes(embeddings.shape[1]) > 0, axis=1).view(np.uint64)


@cache
def _planes(width: int) -> NDArray[np.float32]:
    """Random planes through the origin, the same ones every time: float32 (D, bits)."""
    return np.random.default_rng(0).standard_normal((width, _BITS), dtype=np.float32)
