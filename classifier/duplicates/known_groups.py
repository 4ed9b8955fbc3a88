"""The groups of copies among all images that a library knows, kept in its catalog: only what is new is compared.

The hashes of the looks are kept beside them, 88 bytes an image: an image with hashes has been compared.
"""

# Shapes: N new images, K known ones, F hashes of each.

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from classifier.catalog import copies, embeddings
from classifier.catalog.embeddings import embeddings_folder
from classifier.catalog.looks import ending_early, read_looks, sizes_of
from classifier.catalog.shards import EmbeddingBatch, ShardWriter, read_embeddings
from classifier.duplicates.candidates import hash_table, may_have_copies
from classifier.duplicates.compare import Pictures
from classifier.duplicates.groups import find_groups
from classifier.errors import Message
from classifier.images.look import LOOK_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from classifier.catalog.connection import Catalog
    from classifier.progress import Progress
    from classifier.records import ImageId

HASHES: Final = "look-hashes-1"
"""What stands for the backbone in the store; hashes calculated in another way have another name."""
_ALL: Final = 1 << 62


def update_groups(catalog: Catalog, library: Path, progress: Progress) -> None:
    """Compare the images whose look is new with each other and with all others, and record the groups.

    The caller owns the library. Raises OSError where the hashes cannot be kept.
    """
    if not (new := copies.not_compared(catalog, hashes=HASHES)):
        return
    with progress.stage(Message("looking for copies"), total=None, unit=""):
        found = _read(catalog, library, new)
        if not found.image_ids:
            return
        hashes = hash_table(found.pictures.looks)
        known = _with_close_hashes(catalog, library, hashes)
        members = copies.groups_of(catalog, known)
        others = {*known, *(one.image_id for group in members.values() for one in group)} - set(found.image_ids)
        searched = found.joined(_read(catalog, library, sorted(others)))
        groups = [[searched.image_ids[number] for number in group] for group in find_groups(searched.pictures)]
        rows = EmbeddingBatch(
            image_ids=found.image_ids,
            embeddings=np.ascontiguousarray(hashes.T).view(np.uint8).astype(np.float32),
            stats=np.empty((len(found.image_ids), 0), np.float32),
        )
        writer = ShardWriter(library, HASHES, last=embeddings.last_row(catalog, HASHES))
        located = zip(rows.image_ids, writer.append(rows), strict=True)
        with catalog.transaction():
            embeddings.add(catalog, ((one, place) for one, place in located if place is not None), backbone=HASHES)
            copies.replace_groups(catalog, searched.image_ids, groups)


class _Known:
    """Images with their looks and sizes, the best first."""

    def __init__(
        self, image_ids: Sequence[ImageId], pictures: Pictures, ranks: Sequence[tuple[bool, int, int]]
    ) -> None:
        order = sorted(range(len(image_ids)), key=lambda number: (ranks[number], image_ids[number]))
        self.image_ids = [image_ids[number] for number in order]
        self.pictures = pictures.part(np.array(order, np.int64))
        self._ranks = [ranks[number] for number in order]

    def joined(self, other: _Known) -> _Known:
        pictures = Pictures(
            looks=np.concatenate([self.pictures.looks, other.pictures.looks]),
            sizes=np.concatenate([self.pictures.sizes, other.pictures.sizes]),
        )
        return _Known([*self.image_ids, *other.image_ids], pictures, [*self._ranks, *other._ranks])


def _read(catalog: Catalog, library: Path, image_ids: Sequence[ImageId]) -> _Known:
    """Those whose kept look is intact and whose size is known."""
    sizes, cut_off = sizes_of(catalog, image_ids), ending_early(catalog, image_ids)
    lengths = copies.lengths_of(catalog, image_ids)
    found: list[ImageId] = []
    parts = [np.empty((0, LOOK_BYTES), np.uint8)]
    for ids, looks in read_looks(catalog, library, image_ids):
        if looks.shape[1] == LOOK_BYTES:
            kept = [number for number, one in enumerate(ids) if one in sizes]
            found += [ids[number] for number in kept]
            parts.append(looks[kept])
    shown = np.array([sizes[one] for one in found], np.int64).reshape(-1, 2)
    ranks = [
        (one in cut_off, -width * height, -lengths.get(one, 0))
        for one, (width, height) in zip(found, shown.tolist(), strict=True)
    ]
    return _Known(found, Pictures(looks=np.concatenate(parts), sizes=shown), ranks)


def _with_close_hashes(catalog: Catalog, library: Path, hashes: NDArray[np.uint64]) -> list[ImageId]:
    """The images that were compared before and may be copies of new ones, (F, N)."""
    known = embeddings.newest(catalog, HASHES, count=_ALL)
    ids: list[ImageId] = []
    parts = [np.empty((0, len(hashes)), np.uint64)]
    for part in read_embeddings(catalog, embeddings_folder(library, HASHES), known, backbone=HASHES):
        ids += part.image_ids
        parts.append(np.ascontiguousarray(part.embeddings.astype(np.uint8)).view(np.uint64))
    table = np.ascontiguousarray(np.concatenate(parts).T)
    return [ids[row] for row in np.flatnonzero(may_have_copies(hashes, table)).tolist()]
