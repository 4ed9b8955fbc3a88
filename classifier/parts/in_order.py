"""Work on one thing after the other whose results are wanted in order, some of it at a time."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")
S = TypeVar("S")


def in_order(work: Callable[[S], T], things: Iterable[S], *, at_once: int) -> Iterator[T]:
    """What `work` gives for each thing; threads are `at_once` ahead at most, none with 1."""
    if at_once == 1:
        yield from map(work, things)
        return
    pending = deque[Future[T]]()
    with ThreadPoolExecutor(at_once) as pool:
        for thing in things:
            pending.append(pool.submit(work, thing))
            if len(pending) > at_once:
                yield pending.popleft().result()
        for one in pending:
            yield one.result()
