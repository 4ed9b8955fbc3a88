"""What is filed, in pages for the person who looks through it: of one category or of all.

The order is read once, 36 bytes an image, and kept until something is written. Runs in its own thread with its own
connection, so that the review session never waits for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from classifier.catalog import annotation_log
from classifier.catalog.filed_images import filed_images
from classifier.records import AnnotationKind, ImageId
from classifier.web.library_thread import LibraryThread
from classifier.web.responses import queue_item

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from numpy.typing import NDArray

    from classifier.catalog.connection import Catalog
    from classifier.catalog.filed_images import FiledOrder
    from classifier.web.session import ReviewSession

_ID_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class FiledPage:
    """Some filed images, where the next page begins (None at the end), and how many there are by stored category."""

    image_ids: tuple[ImageId, ...]
    next: int | None
    counts: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Filed:
    """All filed images in an order: ids as bytes, and the number of each one's category in `categories`."""

    order: FiledOrder
    version: int
    ids: bytes
    numbers: NDArray[np.int32]
    categories: tuple[str, ...]

    def rows_of(self, names: Collection[str] | None) -> NDArray[np.intp]:
        """The rows of the categories stored as `names`; None for all."""
        if names is None:
            return np.arange(len(self.numbers))
        wanted = [number for number, name in enumerate(self.categories) if name in names]
        return np.flatnonzero(np.isin(self.numbers, wanted))

    def id_of(self, row: int) -> ImageId:
        return ImageId(self.ids[row * _ID_BYTES : (row + 1) * _ID_BYTES].hex())

    def counts(self) -> dict[str, int]:
        found = np.bincount(self.numbers, minlength=len(self.categories)).tolist()
        return dict(zip(self.categories, found, strict=True))


class FiledImages:
    """The filed images of one library."""

    def __init__(self, library: Path) -> None:
        self._thread = LibraryThread(library, "filed")
        self._filed: _Filed | None = None

    def page(
        self, names: Collection[str] | None, *, order: FiledOrder, after: int | None, limit: int
    ) -> Future[FiledPage]:
        """The next images after the place `after`, of the categories stored as `names` (None: all).

        Without `after` it is the first page, of what is filed now; later pages are of the same moment.
        """
        return self._thread.submit(self._page, names, order, after, limit)

    def close(self) -> None:
        """End the thread."""
        self._thread.close()

    def _page(self, names: Collection[str] | None, order: FiledOrder, after: int | None, limit: int) -> FiledPage:
        filed = self._read(order, is_first=after is None)
        rows = filed.rows_of(names)
        first = after or 0
        shown = rows[first : first + limit].tolist()
        return FiledPage(
            image_ids=tuple(map(filed.id_of, shown)),
            next=first + limit if first + limit < len(rows) else None,
            counts=filed.counts(),
        )

    def _read(self, order: FiledOrder, *, is_first: bool) -> _Filed:
        catalog = self._thread.catalog()
        version, kept = catalog.version(), self._filed
        if kept is None or kept.order is not order or (is_first and kept.version != version):
            self._filed = kept = _read(catalog, order, version)
        return kept


def _read(catalog: Catalog, order: FiledOrder, version: int) -> _Filed:
    known: dict[str, int] = {}
    ids, numbers = bytearray(), []
    for image_id, category in filed_images(catalog, order):
        ids += bytes.fromhex(image_id)
        numbers.append(known.setdefault(category, len(known)))
    return _Filed(
        order=order,
        version=version,
        ids=bytes(ids),
        numbers=np.array(numbers, dtype=np.int32),
        categories=tuple(known),
    )


def shown_items(session: ReviewSession, image_ids: Sequence[ImageId]) -> list[dict[str, Any]]:
    """These images of the library as the page shows them, filed or waiting; in the session's thread.

    `becomes` is what a person said of one that is not moved yet: a category, empty for none of them, else None.
    """
    rows = session.rows(image_ids)
    pending = [row.image_id for row in rows if row.image_id in session.to_file]
    held = session.read(lambda catalog, _: annotation_log.latest(catalog, pending))
    becomes = {
        image_id: annotation.category if annotation.kind is AnnotationKind.RIGHT else ""
        for image_id, annotation in held.items()
        if annotation.kind in {AnnotationKind.RIGHT, AnnotationKind.NONE}
    }
    return [queue_item(session, row) | {"becomes": becomes.get(row.image_id)} for row in rows]


def counts_by_name(session: ReviewSession, counts: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Counts of stored categories by the current names, in the order of the categories."""
    found: dict[str, int] = dict.fromkeys(session.suggestions.categories, 0)
    for name, count in counts:
        now = session.suggestions.names.resolve(name)
        found[now] = found.get(now, 0) + count
    return found
