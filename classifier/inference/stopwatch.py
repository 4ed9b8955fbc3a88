"""Measures what a run waits for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from classifier.errors import Message

_WORTH_SAYING_S = 20.0
"""Shorter runs mostly wait for processes to start."""

Item = TypeVar("Item")


class Stopwatch:
    """Seconds waited for pictures to be read, and for results, which is the former and the network.

    What is left of the time since it was made is spent on what is done with results.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self.waited = {"read": 0.0, "results": 0.0}

    def reading(self, batches: Iterable[Item]) -> Iterator[Item]:
        """The batches as they are read."""
        return self._timed("read", batches)

    def results(self, results: Iterable[Item]) -> Iterator[Item]:
        """The results as the network gives them; they wait for `reading` too."""
        return self._timed("results", results)

    def _timed(self, what: str, items: Iterable[Item]) -> Iterator[Item]:
        since = self._clock()
        for item in items:
            self.waited[what] += self._clock() - since
            yield item
            since = self._clock()
        self.waited[what] += self._clock() - since

    def summary(self) -> Message | None:
        """What the time went into; None for a short run."""
        seconds = self._clock() - self._began
        if seconds < _WORTH_SAYING_S:
            return None
        reading, results = self.waited["read"] / seconds, self.waited["results"] / seconds
        return Message(
            "Where the time went: {reading:.0%} waiting for pictures to be read, {network:.0%} the network, "
            "{filing:.0%} filing.",
            reading=reading,
            network=results - reading,
            filing=1 - results,
        )
