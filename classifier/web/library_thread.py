"""A thread with a connection of its own to one library, so that the review session never waits for what it does."""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError, ThreadPoolExecutor
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from classifier.catalog.connection import open_catalog

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from pathlib import Path

    from classifier.catalog.connection import Catalog

P = ParamSpec("P")
T = TypeVar("T")


class LibraryThread:
    """Does one thing after the other; `name` is the thread's."""

    def __init__(self, library: Path, name: str) -> None:
        self._library = library
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._closing = threading.Event()
        self._catalog: Catalog | None = None

    def submit(self, what: Callable[P, T], *args: P.args, **options: P.kwargs) -> Future[T]:
        """Do it in the thread."""
        return self._thread.submit(what, *args, **options)

    def catalog(self) -> Catalog:
        """The connection, opened at its first use; for what runs in the thread."""
        if self._catalog is None:
            self._catalog = open_catalog(self._library)
        return self._catalog

    @property
    def is_closed(self) -> bool:
        """Whether it ends as soon as what it does is over."""
        return self._closing.is_set()

    def rest(self, seconds: float) -> None:
        """Pause, so that requests are answered meanwhile. Raises CancelledError once it is to end."""
        if self._closing.wait(seconds):
            raise CancelledError

    def close(self) -> None:
        """End the thread; what rests in it is dropped."""
        self._closing.set()
        self._thread.submit(self._close)
        self._thread.shutdown()

    def _close(self) -> None:
        if self._catalog is not None:
            self._catalog.close()
