"""The images of the whole library that are most like one, filed or waiting, by the embeddings that are kept.

Short vectors in memory, 256 bytes an image, find the nearest; whole embeddings put these in order. Labeled images of
the library that no sort has read are found by the bundle's embeddings. Runs in its own thread, with its own connection.
"""

# Shapes: N images of the library, D embedding width, S short width.

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np
from threadpoolctl import threadpool_limits

from classifier.active.pool import load_pool
from classifier.catalog import audits
from classifier.catalog.decisions import decisions_of
from classifier.catalog.embeddings import embeddings_folder, last_row
from classifier.catalog.shards import read_embeddings
from classifier.model.head import fit_pca, l2_normalize
from classifier.records import Action, ImageId
from classifier.web.library_thread import LibraryThread

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from numpy.typing import NDArray

    from classifier.catalog.connection import Catalog
    from classifier.model.head import Projection
    from classifier.web.neighbors import LabeledIndex

_SHORT: Final = 64
_PCA_PARTS, _PCA_PART = 8, 512
"""The principal axes are fitted to this many parts of the store, of this many adjacent images each."""
_MOST: Final = 200
_COMPARED: Final = 4 * _MOST
"""Nearest images by short vectors that are compared by whole embeddings."""
_REFRESH_S: Final = 60.0
"""Least time between two builds of the index: during a sort, what it is made of changes all the time."""
_PAUSE_S: Final = 0.005
"""Pause after every few hundred images, so that requests are answered meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EmbeddingIndex:
    """`vectors` float32 (N, S): the short vector of each of `image_ids`, of length 1."""

    image_ids: Sequence[ImageId]
    vectors: NDArray[np.float32]
    shorten: Projection

    def nearest(self, embedding: NDArray[np.float32], count: int) -> list[ImageId]:
        """The nearest images to an embedding (D,) by short vectors, in no order."""
        if len(embedding) != len(self.shorten.axes):
            return []
        cosines = self.vectors @ l2_normalize(self.shorten(embedding[None]))[0]
        first = max(0, len(cosines) - count)
        closest = np.argpartition(cosines, first)[first:] if first else np.arange(len(cosines))
        return [self.image_ids[row] for row in closest.tolist()]


def build_index(catalog: Catalog, folder: Path, *, backbone: str, rest: Callable[[], None]) -> EmbeddingIndex:
    """The index of the library as it is now; `rest` is called every few hundred images, and may sleep or raise."""
    pool = load_pool(catalog, folder, backbone=backbone, actions=tuple(Action))
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

    return EmbeddingIndex(image_ids=pool.image_ids, vectors=pool.map(shorten, width=width), shorten=project)


class MostAlike:
    """Searches one library; the index is built at the first search, and again when the library has changed."""

    def __init__(self, library: Path) -> None:
        self._library = library
        self._thread = LibraryThread(library, "most-alike")
        self._built: tuple[tuple[object, ...], EmbeddingIndex] | None = None
        self._next_build = 0.0

    def search(self, image_id: ImageId, taught: LabeledIndex | None) -> Future[tuple[ImageId, ...]]:
        """The images most like this one, itself first; empty without an embedding of it. `taught` are the labels."""
        return self._thread.submit(self._search, image_id, taught)

    def close(self) -> None:
        """End the thread; a search that is not over is dropped."""
        self._thread.close()

    def _search(self, image_id: ImageId, taught: LabeledIndex | None) -> tuple[ImageId, ...]:
        catalog = self._thread.catalog()
        if taught is None or self._thread.is_closed:
            return ()
        own = self._stored(catalog, taught.backbone, [image_id]).get(image_id)
        own = taught.direction_of(image_id) if own is None else own
        if own is None:
            return ()
        close = self._index(catalog, taught.backbone).nearest(own, _COMPARED)
        cosines = taught.cosines(own, most=_COMPARED) | _cosines(own, self._stored(catalog, taught.backbone, close))
        others = sorted(decisions_of(catalog, list(cosines)), key=lambda one: -cosines[one])
        return tuple(dict.fromkeys([image_id, *others]))[:_MOST]

    def _stored(
        self, catalog: Catalog, backbone: str, image_ids: Sequence[ImageId]
    ) -> dict[ImageId, NDArray[np.float32]]:
        """The stored embeddings of these images, as far as there are."""
        folder = embeddings_folder(self._library, backbone)
        return {
            image_id: embedding
            for rows in read_embeddings(catalog, folder, image_ids, backbone=backbone)
            for image_id, embedding in zip(rows.image_ids, rows.embeddings, strict=True)
        }

    def _index(self, catalog: Catalog, backbone: str) -> EmbeddingIndex:
        version = (backbone, *audits.marks(catalog), last_row(catalog, backbone))
        built, index = self._built or ((), None)
        is_fresh = built == version or (built[:1] == version[:1] and time.monotonic() < self._next_build)
        if index is None or not is_fresh:
            folder = embeddings_folder(self._library, backbone)
            index = build_index(catalog, folder, backbone=backbone, rest=partial(self._thread.rest, _PAUSE_S))
            self._built, self._next_build = (version, index), time.monotonic() + _REFRESH_S
        return index


def _cosines(embedding: NDArray[np.float32], others: Mapping[ImageId, NDArray[np.float32]]) -> dict[ImageId, float]:
    """The cosine of each of `others` with an embedding, all (D,)."""
    same = {image_id: other for image_id, other in others.items() if len(other) == len(embedding)}
    if not same:
        return {}
    cosines = l2_normalize(np.stack(list(same.values()))) @ l2_normalize(embedding[None])[0]
    return dict(zip(same, cosines.tolist(), strict=True))
