"""Measures what a run waits for."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from classifier.errors import Message

if TYPE_CHECKING:
    from classifier.progress import Progress

_WORTH_SAYING_S: Final = 20.0
"""Shorter runs mostly wait for processes to start."""
_RECENT_S: Final = 10.0
_STEADY_S: Final = 5.0
"""What is shown changes no sooner."""

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Where seconds went: waiting for pictures to be read, waiting for the network, what is done with results."""

    reading: float
    network: float
    filing: float

    @property
    def total(self) -> float:
        """All of them."""
        return self.reading + self.network + self.filing

    def most(self, before: Message | None) -> Message | None:
        """What took more than half of it, as a note; else `before` while that has a third."""
        waits = {
            Message("waits for reading"): self.reading,
            Message("waits for the model"): self.network,
            Message("waits for the disk"): self.filing,
        }
        longest = max(waits, key=waits.__getitem__)
        if waits[longest] > self.total / 2:
            return longest
        return before if before is not None and waits[before] > self.total / 3 else None

    def since(self, earlier: Spent) -> Spent:
        """What was spent after `earlier`."""
        return Spent(
            reading=self.reading - earlier.reading,
            network=self.network - earlier.network,
            filing=self.filing - earlier.filing,
        )


class Stopwatch:
    """Seconds waited for pictures to be read, and for results, which is the former and the network.

    What is left of the time since it was made is spent on what is done with results. `waits_for` may be called from
    another thread.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self._waits: dict[str, tuple[float, float | None]] = {"read": (0.0, None), "results": (0.0, None)}
        self._recent = deque([self._spent()])
        self._has_results = False
        self._shown: Message | None = None
        self._changed = 0.0

    def reading(self, batches: Iterable[Item]) -> Iterator[Item]:
        """The batches as they are read."""
        return self._timed("read", batches)

    def results(self, results: Iterable[Item]) -> Iterator[Item]:
        """The results as the network gives them; they wait for `reading` too."""
        self._has_results = True
        return self._timed("results", results)

    def _timed(self, what: str, items: Iterable[Item]) -> Iterator[Item]:
        self._waits[what] = self._waits[what][0], self._clock()
        for item in items:
            self._waits[what] = self._waited(what, self._clock()), None
            yield item
            self._waits[what] = self._waits[what][0], self._clock()
        self._waits[what] = self._waited(what, self._clock()), None

    def _waited(self, what: str, now: float) -> float:
        waited, since = self._waits[what]
        return waited if since is None else waited + now - since

    @property
    def waited(self) -> dict[str, float]:
        """Seconds waited for each until now."""
        now = self._clock()
        return {what: self._waited(what, now) for what in self._waits}

    def _spent(self) -> Spent:
        now = self._clock()
        read, results = self._waited("read", now), self._waited("results", now)
        return Spent(reading=read, network=results - read, filing=now - self._began - results)

    def waits_for(self) -> Message | None:
        """What took most of the last ten seconds, or of the time since it was last asked for, whichever is longer.

        None before they passed, and where nothing takes most. It changes no sooner than five seconds after it did.
        """
        spent = self._spent()
        self._recent.append(spent)
        while self._recent[1].total <= spent.total - _RECENT_S:
            self._recent.popleft()
        recent = spent.since(self._recent[0])
        note = recent.most(self._shown)
        if note != self._shown and recent.total >= _RECENT_S and spent.total - self._changed >= _STEADY_S:
            self._shown, self._changed = note, spent.total
        return self._shown

    def report(self, progress: Progress) -> None:
        """Say at the end of a command where its time went."""
        if (summary := self.summary()) is not None:
            progress.say(summary)

    def summary(self) -> Message | None:
        """What the time went into; None for a short run. Where no results were waited for, all but reading is one."""
        spent = self._spent()
        if spent.total < _WORTH_SAYING_S:
            return None
        reading = spent.reading / spent.total
        if not self._has_results:
            return Message(
                "Where the time went: {reading:.0%} waiting for pictures to be read and decoded, {rest:.0%} computing.",
                reading=reading,
                rest=1 - reading,
            )
        return Message(
            "Where the time went: {reading:.0%} waiting for pictures to be read and decoded, {network:.0%} the "
            "network, {filing:.0%} the catalog and the disk.",
            reading=reading,
            network=spent.network / spent.total,
            filing=spent.filing / spent.total,
        )
