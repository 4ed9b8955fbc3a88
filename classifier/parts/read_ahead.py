"""Runs iterators in threads a bounded piece ahead of who takes from them, one after the other in their order."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Final, Generic, TypeVar

_CHUNK: Final = 500
_CHUNKS: Final = 8
"""What an iterator is ahead of who takes from it: so many items in so many pieces."""
_LOOK_S: Final = 0.2
_ITEMS: Final = 5_000
"""How far it is looked ahead for the next thing to run."""

S = TypeVar("S")
T = TypeVar("T")


def flattened(
    sources: Iterable[S], items_of: Callable[[S, Callable[[], bool]], Iterator[T] | T], *, at_once: int
) -> Generator[T]:
    """The items of all sources in order; up to `at_once` sources that have several are read ahead in threads.

    `items_of` gives the one item of a source, which is not None, or an iterator of its items; the latter asks the
    function that `items_of` is given whether it should end. What it raises is raised in its place. With `at_once` 1
    nothing runs ahead. Who ends early closes this iterator, or its threads wait for ever.
    """
    if at_once == 1:
        for source in sources:
            found = items_of(source, bool)
            if isinstance(found, Iterator):
                yield from found
            else:
                yield found
        return
    stopped = threading.Event()
    with ThreadPoolExecutor(at_once) as pool:
        try:
            yield from _ahead(sources, items_of, pool, stopped, at_once)
        finally:
            stopped.set()


def _ahead(
    sources: Iterable[S],
    items_of: Callable[[S, Callable[[], bool]], Iterator[T] | T],
    pool: ThreadPoolExecutor,
    stopped: threading.Event,
    at_once: int,
) -> Iterator[T]:
    remaining = (items_of(source, stopped.is_set) for source in sources)
    waiting: deque[T | _Running[T]] = deque()
    running, is_more = 0, True
    while waiting or is_more:
        while is_more and running < at_once and len(waiting) < _ITEMS:
            found = next(remaining, None)
            is_more = found is not None
            if isinstance(found, Iterator):
                waiting.append(_Running(found, pool, stopped))
                running += 1
            elif found is not None:
                waiting.append(found)
        first = waiting.popleft() if waiting else None
        if isinstance(first, _Running):
            yield from first.items()
            running -= 1
        elif first is not None:
            yield first


class _Running(Generic[T]):
    """An iterator that a thread of the pool goes through, into a queue of bounded length."""

    def __init__(self, items: Iterator[T], pool: ThreadPoolExecutor, stopped: threading.Event) -> None:
        self._queue: queue.Queue[list[T] | None] = queue.Queue(_CHUNKS)
        self._stopped = stopped
        self._done: Future[None] = pool.submit(self._run, items)

    def items(self) -> Iterator[T]:
        """The items; what the iterator raised is raised after them."""
        while (chunk := self._next()) is not None:
            yield from chunk
        self._done.result()

    def _next(self) -> list[T] | None:
        while True:  # on Windows, Ctrl-C waits until a wait ends
            with suppress(queue.Empty):
                return self._queue.get(timeout=_LOOK_S)

    def _run(self, items: Iterator[T]) -> None:
        chunk: list[T] = []
        try:
            for item in items:
                chunk.append(item)
                if len(chunk) == _CHUNK:
                    self._put(chunk)
                    chunk = []
        finally:
            self._put(chunk)
            self._put(None)

    def _put(self, chunk: list[T] | None) -> None:
        while not self._stopped.is_set():
            with suppress(queue.Full):
                self._queue.put(chunk, timeout=_LOOK_S)
                return
