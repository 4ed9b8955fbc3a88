"""Near-duplicates among the images that wait: embeddings find candidates, hash and thumbnail decide.

The candidates come from an exact search over short vectors in memory, 256 bytes an image: 300,000 are compared in
some milliseconds.
"""

# Shapes: N images that wait, D embedding width, S short width.

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from threadpoolctl import threadpool_limits

from classifier.active.pool import load_pool
from classifier.catalog.shards import read_embeddings
from classifier.errors import Undecodable
from classifier.labels.dataset import example_of
from classifier.model.head import fit_pca, l2_normalize
from classifier.records import Label
from classifier.settings import ImageSettings, LabelSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from classifier.catalog.connection import Catalog
    from classifier.model.head import Projection
    from classifier.records import Example, ImageId

_SHORT: Final = 64
_PCA_PARTS, _PCA_PART = 8, 512
"""The principal axes are fitted to this many parts of the store, of this many adjacent images each."""
_CANDIDATES: Final = 24
"""Candidates that are compared by hash (measured in docs/LOG.md)."""
_LEAST: Final = 0.65
"""Cosine of short vectors: of images of half the size, 95% are that similar to the whole one (docs/LOG.md)."""
_MOST_KEPT: Final = 8192
"""Images whose hash and thumbnail are kept, about a kilobyte each: neighbors are compared repeatedly."""
_NOWHERE: Final = Label(path=Path(), category="")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WaitingIndex:
    """`vectors` float32 (N, S): the short vector of each of `image_ids`, of length 1."""

    image_ids: Sequence[ImageId]
    vectors: NDArray[np.float32]
    shorten: Projection

    def candidates(self, embedding: NDArray[np.float32]) -> list[ImageId]:
        """The few images that may nearly duplicate one with this embedding, itself included, most similar first."""
        if len(embedding) != len(self.shorten.axes):
            return []
        cosines = self.vectors @ l2_normalize(self.shorten(embedding[None]))[0]
        first = max(0, len(cosines) - _CANDIDATES)
        closest = np.argpartition(cosines, first)[first:] if first else np.arange(len(cosines))
        by_cosine = closest[np.argsort(-cosines[closest], kind="stable")]
        return [self.image_ids[row] for row in by_cosine.tolist() if cosines[row] >= _LEAST]


def build_index(catalog: Catalog, folder: Path, *, backbone: str, rest: Callable[[], None]) -> WaitingIndex:
    """The index of all that waits now; `rest` is called after every few hundred images, and may sleep or raise."""
    pool = load_pool(catalog, folder, backbone=backbone)
    starts = range(0, len(pool), len(pool) // _PCA_PARTS + 1)
    some = [image_id for start in starts for image_id in pool.image_ids[start : start + _PCA_PART]]
    parts = [part.embeddings for part in read_embeddings(catalog, folder, some, backbone=backbone)]
    width = max((part.shape[1] for part in parts), default=0)
    fitted = [part for part in parts if part.shape[1] == width]
    with threadpool_limits(1):  # what the page answers is more urgent
        project = fit_pca(np.concatenate([np.empty((0, width), np.float32), *fitted]), width=_SHORT)

    def shorten(embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
        rest()
        return l2_normalize(project(embeddings))

    return WaitingIndex(image_ids=pool.image_ids, vectors=pool.map(shorten, width=width), shorten=project)


class NearDuplicateFinder:
    """Compares small images as the split does; `see` returns a JPEG, or None if the image is gone."""

    def __init__(self, see: Callable[[ImageId], bytes | None]) -> None:
        self._see = see
        self._kept: dict[ImageId, Example | None] = {}

    def same(self, image_id: ImageId, others: Sequence[ImageId]) -> list[ImageId]:
        """Those of `others` that nearly duplicate `image_id` directly, in their order."""
        from classifier.labels.near_duplicates import near_duplicates  # noqa: PLC0415 - it needs scipy

        own = self._look(image_id) if others else None
        if own is None:
            return []
        found = [look for look in map(self._look, others) if look is not None]
        bits = LabelSettings().near_duplicate_bits
        return [other.image_id for other in found if any(near_duplicates((own, other), bits))]

    def _look(self, image_id: ImageId) -> Example | None:
        if image_id not in self._kept:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[image_id] = self._read(image_id)
        return self._kept[image_id]

    def _read(self, image_id: ImageId) -> Example | None:
        data = self._see(image_id)
        if data is None:
            return None
        try:
            example = example_of(_NOWHERE, data, max_megapixels=ImageSettings().max_megapixels)
        except Undecodable:
            return None
        return replace(example, image_id=image_id)
