"""What is similar to an image that waits: the nearest labeled images, and near-duplicates that wait too.

Runs in its own threads with its own connection, so that the review session never waits for it.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from classifier.catalog import annotation_log, audits
from classifier.catalog.connection import open_catalog
from classifier.catalog.embeddings import embeddings_folder, last_row
from classifier.catalog.shards import read_embeddings
from classifier.errors import IllsortError, Undecodable
from classifier.labels.dataset import example_of
from classifier.records import AnnotationKind, Label
from classifier.settings import ImageSettings, LabelSettings
from classifier.web.lsh_index import EMPTY, build_index, candidates
from classifier.web.neighbors import load_labeled_index

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future

    import numpy as np
    from numpy.typing import NDArray

    from classifier.catalog.connection import Catalog
    from classifier.records import Example, ImageId
    from classifier.web.lsh_index import LshIndex
    from classifier.web.neighbors import LabeledIndex, Neighbor


_REFRESH_S: Final = 60.0
"""How old what is known of what waits may be, while a sort is at work."""
_PAUSE_S: Final = 0.02
"""After every few hundred pictures that are sketched the machine is left to others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarResult:
    """The nearest labeled images, and the unsettled near-duplicates.

    `alike` is None while the index is being built: ask again in a moment.
    """

    labeled: tuple[Neighbor, ...]
    alike: tuple[ImageId, ...] | None


class SimilarImages:
    """Finds similar images in one library; `see` returns a small image, in any thread."""

    def __init__(self, library: Path, *, see: Callable[[ImageId], bytes | None]) -> None:
        self._library = library
        self._see = see
        self._looks = NearDuplicateFinder(self._seen)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="similar")
        self._index_thread = ThreadPoolExecutor(1, thread_name_prefix="lsh")
        self._is_closed = threading.Event()
        self._catalog: Catalog | None = None
        self._sort: tuple[str, Path] | None = None
        self._taught: LabeledIndex | None = None
        self._backbone = ""
        self._index: LshIndex | None = None
        self._begun = 0.0
        self._drawing: Future[None] | None = None

    def kinds(self) -> Future[tuple[bool, bool]]:
        """Whether neighbors, and whether near-duplicates, are available."""
        return self._thread.submit(self._kinds)

    def look(self, image_id: ImageId) -> Future[SimilarResult]:
        """The similar images; empty without a stored embedding."""
        return self._thread.submit(self._look, image_id)

    def close(self) -> None:
        """End both threads; pending requests are dropped."""
        self._is_closed.set()
        self._thread.submit(self._close)
        self._thread.shutdown()
        self._index_thread.shutdown(cancel_futures=True)

    def _kinds(self) -> tuple[bool, bool]:
        catalog, taught = self._learn()
        if taught is None:
            return False, False
        is_kept = last_row(catalog, taught.backbone) is not None
        return is_kept and taught.labeled is not None, is_kept

    def _look(self, image_id: ImageId) -> SimilarResult:
        catalog, taught = self._learn()
        nothing = SimilarResult(labeled=(), alike=())
        if taught is None or self._is_closed.is_set():
            return nothing
        folder = embeddings_folder(self._library, taught.backbone)
        for rows in read_embeddings(catalog, folder, [image_id], backbone=taught.backbone):
            for embedding in rows.embeddings:
                return SimilarResult(
                    labeled=tuple(taught.nearest(catalog, image_id, embedding)),
                    alike=self._alike(catalog, taught, image_id, embedding),
                )
        return nothing

    def _alike(
        self, catalog: Catalog, taught: LabeledIndex, image_id: ImageId, embedding: NDArray[np.float32]
    ) -> tuple[ImageId, ...] | None:
        sketches = self._known(taught.backbone)
        if sketches is None:
            return None
        folder = embeddings_folder(self._library, taught.backbone)
        close = candidates(catalog, folder, sketches, embedding, backbone=taught.backbone)
        latest = annotation_log.latest(catalog, close)
        settled = {
            one for one, verdict in latest.items() if verdict.kind in {AnnotationKind.RIGHT, AnnotationKind.NONE}
        }
        others = [one for one in close if one != image_id and one not in settled]
        return tuple(self._looks.same(image_id, others))

    def _learn(self) -> tuple[Catalog, LabeledIndex | None]:
        """The connection of this thread, and the labels of the last bundle, read once per bundle."""
        if self._catalog is None:
            self._catalog = open_catalog(self._library)
        last = audits.last_sort(self._catalog)
        if last is not None and last[:2] != self._sort:
            self._taught, self._sort = load_labeled_index(self._catalog), last[:2]
        return self._catalog, self._taught

    def _known(self, backbone: str) -> LshIndex | None:
        """The last index, None before the first; rebuilt from time to time."""
        is_first = self._backbone != backbone
        if is_first:
            self._backbone, self._index, self._begun = backbone, None, -_REFRESH_S
        is_idle = self._drawing is None or self._drawing.done()
        if is_idle and time.monotonic() - self._begun >= _REFRESH_S:
            self._begun = time.monotonic()
            self._drawing = self._index_thread.submit(self._draw, backbone)
        return self._index

    def _draw(self, backbone: str) -> None:
        known = self._index or EMPTY
        folder = embeddings_folder(self._library, backbone)
        with suppress(IllsortError), open_catalog(self._library) as catalog:
            drawn = build_index(catalog, folder, backbone=backbone, known=known, rest=self._rest)
            if drawn is not None and backbone == self._backbone:
                self._index = drawn

    def _seen(self, image_id: ImageId) -> bytes | None:
        return None if self._is_closed.is_set() else self._see(image_id)

    def _rest(self) -> bool:
        return not self._is_closed.wait(_PAUSE_S)

    def _close(self) -> None:
        if self._catalog is not None:
            self._catalog.close()


_MOST_KEPT: Final = 8192
"""How many pictures' looks are kept, about a kilobyte each: neighbors are asked about again and again."""
_NOWHERE: Final = Label(path=Path(), category="")


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
            seen = example_of(_NOWHERE, data, max_megapixels=ImageSettings().max_megapixels)
        except Undecodable:
            return None
        return replace(seen, image_id=image_id)
