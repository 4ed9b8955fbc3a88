"""Copies among the images that wait: found by the hashes of their kept looks, told from variants by the looks.

The hashes are in memory, 88 bytes an image; the looks of the few that may be copies are read when one is looked at.
"""

# Shapes: N images that wait, F hashes of each.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from classifier.active.pool import load_pool
from classifier.catalog.embeddings import LOOKS, embeddings_folder
from classifier.catalog.looks import read_looks, sizes_of
from classifier.duplicates.candidates import bits_apart, hash_table
from classifier.duplicates.compare import Pictures
from classifier.duplicates.groups import copies_of_first
from classifier.duplicates.search import MOST_BITS
from classifier.images.look import LOOK_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from classifier.catalog.connection import Catalog
    from classifier.records import ImageId

_MOST: Final = 200
"""Images that are compared at once; of a larger crowd the nearest."""
_AT_ONCE: Final = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WaitingIndex:
    """`hashes` uint64 (F, N): those of each of `image_ids`."""

    image_ids: Sequence[ImageId]
    hashes: NDArray[np.uint64]

    def candidates(self, look: NDArray[np.uint8]) -> list[ImageId]:
        """The images that may be copies of the one with this look (704,), itself included, nearest first."""
        own = hash_table(look[None])
        parts = range(0, len(self.image_ids), _AT_ONCE)
        bits = [bits_apart(own, self.hashes[:, start : start + _AT_ONCE]).min(axis=0) for start in parts]
        apart = np.concatenate([np.empty(0, np.uint8), *bits])
        close = np.flatnonzero(apart <= MOST_BITS)
        return [self.image_ids[row] for row in close[np.argsort(apart[close], kind="stable")][:_MOST].tolist()]


def build_index(catalog: Catalog, library: Path, *, rest: Callable[[], None]) -> WaitingIndex:
    """The index of all that waits now; `rest` is called after every few hundred images, and may sleep or raise."""
    pool = load_pool(catalog, embeddings_folder(library, LOOKS), backbone=LOOKS)

    def in_pieces(looks: NDArray[np.float32]) -> NDArray[np.float32]:
        rest()
        hashes = np.ascontiguousarray(hash_table(looks.astype(np.uint8)).T)
        return hashes.view(np.uint16).astype(np.float32)  # which has their numbers exactly

    hashes = pool.map(in_pieces, width=LOOK_BYTES).astype(np.uint16).view(np.uint64)
    return WaitingIndex(image_ids=pool.image_ids, hashes=np.ascontiguousarray(hashes.T))


def copies_among(catalog: Catalog, library: Path, image_id: ImageId, others: Sequence[ImageId]) -> tuple[ImageId, ...]:
    """Those of `others` that are copies of an image, in their order; without a kept look an image has none."""
    wanted = [image_id, *others]
    looks = {
        one: look for found, rows in read_looks(catalog, library, wanted) for one, look in zip(found, rows, strict=True)
    }
    sizes = sizes_of(catalog, wanted)
    known = [one for one in wanted if one in looks and one in sizes]
    if len(known) < 2 or known[0] != image_id:  # noqa: PLR2004 - the image and another
        return ()
    pictures = Pictures(
        looks=np.stack([looks[one] for one in known]), sizes=np.array([sizes[one] for one in known], np.int64)
    )
    return tuple(one for one, is_copy in zip(known[1:], copies_of_first(pictures), strict=True) if is_copy)


def look_of(catalog: Catalog, library: Path, image_id: ImageId) -> NDArray[np.uint8] | None:
    """The kept look of an image (704,)."""
    found = [looks[0] for _, looks in read_looks(catalog, library, [image_id]) if len(looks)]
    return found[0] if found else None
