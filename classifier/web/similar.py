"""What is similar to an image that waits: the nearest labeled images, and near-duplicates that wait too.

Runs in its own threads with its own connection, so that the review session never waits for it.
"""

from __future__ import annotations

import time
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from classifier.catalog import annotation_log, audits
from classifier.catalog.connection import open_catalog
from classifier.catalog.embeddings import LOOKS, embeddings_folder, last_row
from classifier.catalog.shards import read_embeddings
from classifier.errors import IllsortError
from classifier.records import AnnotationKind
from classifier.web.library_thread import LibraryThread
from classifier.web.near_duplicates import build_index, copies_among, look_of
from classifier.web.neighbors import load_labeled_index
from classifier.web.post_pages import waiting_pages

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet
    from concurrent.futures import Future

    from classifier.catalog.connection import Catalog
    from classifier.records import ImageId
    from classifier.web.near_duplicates import WaitingIndex
    from classifier.web.neighbors import LabeledIndex, Neighbor


_REFRESH_S: Final = 60.0
"""Least time between two builds of an index: during a sort, what waits changes all the time."""
_SHARE: Final = 0.05
"""Largest share of the time that is spent on building indexes."""
_PAUSE_S: Final = 0.02
"""Pause after every few hundred images, so that requests are answered meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarResult:
    """The nearest labeled images, the unanswered near-duplicates, and the other pages of the same post that wait.

    `alike` is None while the index is being built: ask again in a moment.
    """

    labeled: tuple[Neighbor, ...]
    alike: tuple[ImageId, ...] | None
    pages: tuple[ImageId, ...] = ()


class SimilarImages:
    """Finds similar images in one library."""

    def __init__(self, library: Path) -> None:
        self._library = library
        self._thread = LibraryThread(library, "similar")
        self._index_thread = ThreadPoolExecutor(1, thread_name_prefix="near-duplicates")
        self._sort: tuple[str, Path] | None = None
        self._taught: LabeledIndex | None = None
        self._built: tuple[tuple[object, ...], WaitingIndex] | None = None
        self._building: Future[None] | None = None
        self._next_build = 0.0

    def kinds(self) -> Future[tuple[bool, bool]]:
        """Whether neighbors, and whether near-duplicates, are available."""
        return self._thread.submit(self._kinds)

    def look(self, image_id: ImageId) -> Future[SimilarResult]:
        """The similar images; empty without a stored embedding."""
        return self._thread.submit(self._look, image_id)

    def compare(
        self, image_id: ImageId, categories: Sequence[str], *, doubted: AbstractSet[ImageId]
    ) -> Future[dict[str, list[Neighbor]]]:
        """The labeled images nearest to a labeled one, of each category, as `LabeledIndex.nearest_of`."""
        return self._thread.submit(self._compare, image_id, categories, doubted)

    def labels(self) -> Future[LabeledIndex | None]:
        """The labels of the last bundle."""
        return self._thread.submit(lambda: self._learn()[1])

    def close(self) -> None:
        """End both threads; pending requests are dropped."""
        self._thread.close()
        self._index_thread.shutdown(cancel_futures=True)

    def _kinds(self) -> tuple[bool, bool]:
        catalog, taught = self._learn()
        is_kept = taught is not None and last_row(catalog, taught.backbone) is not None
        is_labeled = taught is not None and taught.labeled is not None
        return is_kept and is_labeled, last_row(catalog, LOOKS) is not None

    def _look(self, image_id: ImageId) -> SimilarResult:
        catalog, taught = self._learn()
        if self._thread.is_closed:
            return SimilarResult(labeled=(), alike=())
        labeled = () if taught is None else tuple(self._nearest(catalog, taught, image_id))
        alike = self._alike(catalog, image_id)
        pages = [one for one in waiting_pages(catalog, image_id) if one not in (alike or ())]
        return SimilarResult(labeled=labeled, alike=alike, pages=tuple(_unanswered(catalog, pages)))

    def _nearest(self, catalog: Catalog, taught: LabeledIndex, image_id: ImageId) -> list[Neighbor]:
        folder = embeddings_folder(self._library, taught.backbone)
        for rows in read_embeddings(catalog, folder, [image_id], backbone=taught.backbone):
            for embedding in rows.embeddings:
                return taught.nearest(catalog, image_id, embedding)
        return []

    def _compare(
        self, image_id: ImageId, categories: Sequence[str], doubted: AbstractSet[ImageId]
    ) -> dict[str, list[Neighbor]]:
        catalog, taught = self._learn()
        if taught is None or self._thread.is_closed:
            return {category: [] for category in categories}
        return taught.nearest_of(catalog, image_id, categories, doubted=doubted)

    def _alike(self, catalog: Catalog, image_id: ImageId) -> tuple[ImageId, ...] | None:
        look = look_of(catalog, self._library, image_id)
        index = None if look is None else self._index(catalog)
        if look is None or index is None:
            return () if look is None else None
        others = [one for one in _unanswered(catalog, index.candidates(look)) if one != image_id]
        return copies_among(catalog, self._library, image_id, others)

    def _learn(self) -> tuple[Catalog, LabeledIndex | None]:
        """The connection of this thread, and the labels of the last bundle, read once per bundle."""
        catalog = self._thread.catalog()
        last = audits.last_sort(catalog)
        if last is not None and last[:2] != self._sort:
            self._taught, self._sort = load_labeled_index(catalog), last[:2]
        return catalog, self._taught

    def _index(self, catalog: Catalog) -> WaitingIndex | None:
        """The last index, None before the first; built anew when what waits has changed."""
        version = (*audits.marks(catalog), last_row(catalog, LOOKS))
        built, index = self._built or (None, None)
        is_idle = self._building is None or self._building.done()
        if built != version and is_idle and (index is None or time.monotonic() >= self._next_build):
            self._building = self._index_thread.submit(self._build, version)
        return index

    def _build(self, version: tuple[object, ...]) -> None:
        began = time.monotonic()
        with suppress(IllsortError, CancelledError), open_catalog(self._library) as catalog:
            self._built = version, build_index(catalog, self._library, rest=partial(self._thread.rest, _PAUSE_S))
        ended = time.monotonic()
        self._next_build = ended + max(_REFRESH_S, (ended - began) / _SHARE)


def _unanswered(catalog: Catalog, image_ids: Sequence[ImageId]) -> list[ImageId]:
    latest = annotation_log.latest(catalog, image_ids)
    answered = {one for one, last in latest.items() if last.kind in {AnnotationKind.RIGHT, AnnotationKind.NONE}}
    return [one for one in image_ids if one not in answered]
