"""The threads that make images for the page: on request, and ahead of requests while the page is idle."""

from __future__ import annotations

import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from classifier.catalog.queue import QueueFilter
from classifier.errors import IllsortError
from classifier.images.thumbnails import thumbnail
from classifier.web.thumbnails import FULL, LARGE, QUALITY, SMALL, ThumbnailCache

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from classifier.catalog.queue import CursorValue, QueueItem
    from classifier.records import ImageId

    Page = Callable[[QueueFilter, Sequence[CursorValue] | None, int], list[QueueItem]]


GRID: Final = 60
_PAGES: Final = 3
_STILL_S: Final = 0.1
"""Pause after the last request. A lower priority would not do: requests wait for the locks that prefetching holds."""
_SLOW_S: Final = 1.0
"""Below this interval, assume a steady pace: an image in progress would delay the next answer."""
_EARLY, _MISSED = 0.6, 2.0
"""In intervals: when the next answer may come, and when it is overdue."""


def likely_requests(
    page: Page, wanted: QueueFilter, after: Sequence[CursorValue] | None, categories: Iterable[str]
) -> Iterator[QueueItem]:
    """What is likely requested after a page of `wanted` that ended at `after` (None: the end of the queue).

    In a grid, its next pages; then the first grid of each category, in the order of the page.
    """
    for _ in range(_PAGES if wanted.grid else 0):
        if after is None:
            break
        rows = page(wanted, after, GRID)
        yield from rows
        after = rows[-1].cursor if len(rows) == GRID else None
    for category in categories:
        yield from page(replace(wanted, category=category, grid=True, skipped=False), None, GRID)


class Prefetcher:
    """A thread that calls `make` with each item of the newest plan."""

    def __init__(self, make: Callable[[QueueItem], None], *, idle: Callable[[], None]) -> None:
        self._make = make
        self._idle = idle
        self._plan: Iterator[QueueItem] | None = None
        self._changed = threading.Condition()
        self._is_closed = False
        self._asked = self._answered = self._beat = 0.0
        self._thread = threading.Thread(target=self._work, name="prefetch", daemon=True)
        self._thread.start()

    def expect(self, plan: Iterator[QueueItem]) -> None:
        """Start another plan; the rest of the last one is dropped."""
        with self._changed:
            self._plan = plan
            self._changed.notify()

    def hold_still(self) -> None:
        """Pause: a request came."""
        self._asked = time.monotonic()

    def heard(self) -> None:
        """An answer came; the next one is expected after the same interval."""
        now = self._asked = time.monotonic()
        beat = now - self._answered
        self._answered, self._beat = now, beat if beat < _SLOW_S else 0.0

    def rest(self) -> float:
        """The number of seconds to pause."""
        now = time.monotonic()
        still = self._asked + _STILL_S - now
        is_due = _EARLY * self._beat <= now - self._answered < _MISSED * self._beat
        return max(still, self._answered + _MISSED * self._beat - now) if is_due else still

    def close(self) -> None:
        """End after the current image."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        while (plan := self._next()) is not None:
            with suppress(IllsortError, sqlite3.Error):  # what cannot be made in advance is made on request
                for row in plan:
                    while (left := self.rest()) > 0:
                        time.sleep(left)
                    if self._plan is not None or self._is_closed:
                        break
                    self._make(row)
            self._idle()

    def _next(self) -> Iterator[QueueItem] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._plan is not None or self._is_closed)
            plan, self._plan = self._plan, None
            return None if self._is_closed else plan


SIDES: Final = {"small": SMALL, "large": LARGE, "full": FULL}
_THREADS: Final = 3


class ThumbnailService:
    """Makes the images of one library; `path_of` returns a path or None, in any thread."""

    def __init__(self, library: Path, *, path_of: Callable[[ImageId], Path | None], max_megapixels: float) -> None:
        self._library = library
        self._path_of = path_of
        self._max_megapixels = max_megapixels
        self._cache = ThumbnailCache(library)
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="thumbnails")
        self._ahead = Prefetcher(self._prepare, idle=self._cache.tidy)

    def see(self, image_id: ImageId, size: str) -> Future[bytes | None]:
        """The image as a JPEG, of a size in SIDES; None if it is gone."""
        self.hold_still()
        return self._pool.submit(self._seen, image_id, SIDES[size])

    def expect(self, rows: Iterator[QueueItem]) -> None:
        """Prefetch these in this order, in place of the last plan."""
        self._ahead.expect(rows)

    def heard(self) -> None:
        """An answer came, so the next image is about to be shown."""
        self._ahead.heard()

    def hold_still(self) -> None:
        """Pause prefetching: a request waits."""
        self._ahead.hold_still()

    def close(self) -> None:
        """End all threads; pending requests are dropped."""
        self._ahead.close()
        self._pool.shutdown(cancel_futures=True)

    def _seen(self, image_id: ImageId, side: int) -> bytes | None:
        kept = self._cache.get(image_id) if side == SMALL else None
        if kept is not None:
            return kept
        path = self._path_of(image_id)
        return None if path is None else self._made(image_id, path, side)

    def _prepare(self, row: QueueItem) -> None:
        if not self._cache.has(row.image_id):
            self._made(row.image_id, self._library / row.path, SMALL)

    def _made(self, image_id: ImageId, path: Path, side: int) -> bytes | None:
        made = thumbnail(image_id, path, side=side, max_megapixels=self._max_megapixels, quality=QUALITY[side])
        if made is not None and side == SMALL:
            self._cache.keep(image_id, made)
        return made
