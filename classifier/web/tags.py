"""The images of a rating or a tag, by the tagger's own head on the embeddings that are kept: no image is read.

Only where the last sort was by a tagger's network, unchanged but for the head; elsewhere nothing is loaded. Runs in its
own thread with its own connection, so that the review session never waits for it.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import numpy as np

from classifier.active.pool import load_pool
from classifier.catalog import audits
from classifier.catalog.connection import open_catalog
from classifier.catalog.embeddings import embeddings_folder, last_row
from classifier.errors import ModelError
from classifier.model.bundle_files import TAGS, sha256_of
from classifier.model.manifest import load_manifest
from classifier.model.tags import load_tags
from classifier.web.responses import RequestError

if TYPE_CHECKING:
    from concurrent.futures import Future
    from pathlib import Path

    from numpy.typing import NDArray

    from classifier.catalog.connection import Catalog
    from classifier.model.tags import Tags
    from classifier.records import ImageId

_REFRESH_S: Final = 60.0
"""Least time between two searches for the same: while a sort runs, what waits changes all the time."""


class TagSearch:
    """Finds what waits in one library by its tags."""

    def __init__(self, library: Path) -> None:
        self._library = library
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="tags")
        self._catalog: Catalog | None = None
        self._sort: tuple[str, Path] | None = None
        self._tags: tuple[str, Tags] | None = None
        self._last: tuple[tuple[object, ...], object, float] = ((), None, 0.0)
        self._found: frozenset[ImageId] = frozenset()

    def tags(self) -> Future[Tags | None]:
        """The tags that can be searched for; None where there are none."""
        return self._thread.submit(lambda: None if (known := self._known()[1]) is None else known[1])

    def search(self, rating: str, tag: str) -> Future[frozenset[ImageId]]:
        """What waits of this rating and with this tag, each possibly empty; the same object while nothing changes.

        Raises RequestError for a rating or tag that there is not.
        """
        return self._thread.submit(self._search, rating, tag)

    def close(self) -> None:
        """End the thread."""
        self._thread.submit(self._close)
        self._thread.shutdown()

    def _search(self, rating: str, tag: str) -> frozenset[ImageId]:
        catalog, known = self._known()
        backbone, tags = known or ("", None)
        if tags is None or (rating and rating not in tags.ratings) or (tag and tag not in tags.names):
            raise RequestError("there is no such tag")
        wanted, version = (backbone, rating, tag), (last_row(catalog, backbone), *audits.marks(catalog))
        is_fresh = self._last[1] == version or time.monotonic() < self._last[2] + _REFRESH_S
        if self._last[0] == wanted and is_fresh:
            return self._found

        def holds(embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
            return tags.holds(embeddings, rating=rating, tag=tag).astype(np.float32)

        pool = load_pool(catalog, embeddings_folder(self._library, backbone), backbone=backbone)
        rows = np.flatnonzero(pool.map(holds, width=tags.head.weight.shape[1]))
        self._found = frozenset(pool.image_ids[row] for row in rows.tolist())
        self._last = wanted, version, time.monotonic()
        return self._found

    def _known(self) -> tuple[Catalog, tuple[str, Tags] | None]:
        """The connection of this thread; the backbone and tags of the last bundle, read once per bundle."""
        if self._catalog is None:
            self._catalog = open_catalog(self._library)
        last = audits.last_sort(self._catalog)
        if last is not None and last[:2] != self._sort:
            self._tags, self._sort = _load(last[0], last[1]), last[:2]
        return self._catalog, self._tags

    def _close(self) -> None:
        if self._catalog is not None:
            self._catalog.close()


def _load(model: str, folder: Path) -> tuple[str, Tags] | None:
    """The backbone and tags of a bundle; None where it has none, is gone, damaged or another model."""
    try:
        manifest = load_manifest(folder)
        written = manifest.files.get(TAGS)
        if written is None or manifest.key != model or sha256_of(folder / TAGS) != written:
            return None
        return manifest.backbone_key, load_tags(folder / TAGS)
    except ModelError:
        return None
