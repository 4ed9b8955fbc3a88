"""The thread that owns the review session of a library, and what keeps the session up to date."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Final, TypeVar

from classifier.catalog import audits
from classifier.catalog.connection import open_catalog
from classifier.catalog.files import file_of
from classifier.catalog.places import place_of
from classifier.catalog.queue_annotations import count_queues
from classifier.catalog.ranking import attach_newest
from classifier.catalog.values import to_path
from classifier.errors import IllsortError
from classifier.labels.from_annotations import placed_by_hand
from classifier.records import time_of
from classifier.settings import ImageSettings
from classifier.web.session import ReviewSession

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from classifier.catalog.connection import Catalog
    from classifier.records import ImageId

Sent = TypeVar("Sent")
T = TypeVar("T")
_INTERVAL_S: Final = 5.0


class SessionThread:
    """The session and its catalog; all work on them runs here, one after the other."""

    def __init__(self, library: Path) -> None:
        self._library = library
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="session")
        self._is_open = False
        self.catalog: Catalog
        self.session: ReviewSession
        self.max_megapixels: float
        """The size limit of the last sort."""
        self.unfiled = 0
        """How many images were left to be filed when it was closed."""

    def open(self) -> None:
        """Open the library, if it is not open. Raises LibraryError."""
        self._thread.submit(self._open).result()

    async def run(self, work: Callable[[ReviewSession], T]) -> T:
        """The result of `work` in this thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: work(self.session))

    def task(self, work: Callable[[ReviewSession, Sent], T]) -> Callable[[Sent], Awaitable[T]]:
        """`work` as a coroutine function that runs in this thread, for a route."""

        async def run(sent: Sent) -> T:
            return await self.run(lambda session: work(session, sent))

        return run

    def wait_for(self, work: Callable[[ReviewSession], T]) -> T:
        """The same for any other thread."""
        return self._thread.submit(lambda: work(self.session)).result()

    def count(self) -> None:
        """Count the queue as soon as the thread is free."""
        self._thread.submit(self.session.state)

    def use_newest_ranking(self) -> None:
        """Use the newest ranking as soon as the thread is free."""
        self._thread.submit(self.session.use_newest_ranking)

    def path_of(self, image_id: ImageId) -> Path | None:
        """Where an image of the library is, in any other thread."""
        place = self.wait_for(lambda _: place_of(self.catalog, image_id))
        return None if place is None else self._library / to_path(place.path)

    def path_in_crawl(self, image_id: ImageId) -> Path | None:
        """The unchanged file of the crawl that holds an image which was read, in any other thread."""
        file = self.wait_for(lambda _: file_of(self.catalog, image_id))
        try:
            status = None if file is None else file.path.stat()
        except OSError:
            return None
        if file is None or status is None or (status.st_size, time_of(status)) != (file.size_bytes, file.mtime_ns):
            return None
        return file.path

    def bundle(self) -> Path | None:
        """The bundle of the last sort, in any other thread."""
        sort = self.wait_for(lambda _: audits.last_sort(self.catalog))
        return None if sort is None else sort[1]

    async def watch(self) -> None:
        """Read what other processes change until cancelled.

        A running sort changes something all the time, so the session reads in parts, and counting, the slowest, has its
        own connection.
        """
        while True:
            await asyncio.sleep(_INTERVAL_S)
            await self._read_changes()

    async def _read_changes(self) -> None:
        parts, changed = self.session.read_changes(), False
        while await self.run(lambda _: next(parts, 0)) is None:
            changed = True
        if changed:
            ranking, counts = await asyncio.to_thread(_counted, self._library)
            await self.run(lambda session: session.recount(counts, outlook=ranking))

    def close(self) -> None:
        """Count what is left to be filed, and close the library."""
        self._thread.submit(self._close).result()
        self._thread.shutdown()

    def _open(self) -> None:
        if self._is_open:
            return
        with ExitStack() as opening:
            self.catalog = opening.enter_context(open_catalog(self._library))
            self.session = ReviewSession(self.catalog, by_hand=placed_by_hand(self.catalog, self._library))
            _, _, settings = audits.last_sort(self.catalog) or ("", None, {})
            limit = settings.get("images", {}).get("max_megapixels", ImageSettings().max_megapixels)
            self.max_megapixels = float(limit)
            opening.pop_all()
        self._is_open = True

    def _close(self) -> None:
        with suppress(IllsortError), self.catalog:  # the request that met the damage has reported it
            self.session.refresh()
        self.unfiled = self.session.unfiled


def _counted(library: Path) -> tuple[int, dict[str, dict[str, int]]]:
    """The number of the ranking, and the counts by it; -1 while the catalog cannot be read."""
    try:
        with open_catalog(library) as catalog:
            return attach_newest(catalog).number, count_queues(catalog)
    except IllsortError:
        return -1, {}
