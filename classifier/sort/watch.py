"""Sorts what comes into crawls, without end: the clock says when to look, and notices make a look earlier.

A look compares a digest of the crawl with that of the last sort, and only where it differs a sort is begun. Notices are
hints: network disks lose them, and without any the clock finds the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Final, Protocol

from classifier.errors import LibraryError, Message
from classifier.images.folder_digest import NO_FILES
from classifier.sort.watch_round import Busy, Failed, Outcome, Sorted

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

QUIET_S: Final = 5.0
"""A sort begins once nothing has come for so long,"""
LONGEST_S: Final = 60.0
"""but at most so long after the first that came."""
SOON_S: Final = 10.0
"""The first wait for unfinished downloads; each further one is twice as long,"""
_MOST_S: Final = 86_400.0
"""up to a day: a download may have been given up."""
BUSY_S: Final = 30.0
"""Between two tries where the library is in use, or a disk is gone; at most the time of the clock."""


class Surroundings(Protocol):
    """What a watcher uses of its machine."""

    def clock(self) -> float:
        """Seconds that only grow."""

    def wait(self, seconds: float) -> Collection[Path]:
        """The crawls in which something came; none after `seconds`."""

    def follow(self, crawls: Sequence[Path]) -> None:
        """Have notices of these crawls, and of no others."""

    def is_there(self, folder: Path) -> bool:
        """Whether a crawl, or the library, can be reached."""

    def digest(self, crawl: Path) -> bytes:
        """As `folder_digest`. Raises OSError when it cannot be reached."""

    def sort(self, crawl: Path) -> Outcome:
        """Sort a crawl into the library."""


class Report(Protocol):
    """Whom a watcher reports to."""

    def say(self, message: Message) -> None:
        """What keeps it from sorting, or no longer does."""

    def sorted(self, crawl: Path, round_: Sorted) -> None:
        """A sort has ended."""


@dataclass(slots=True, kw_only=True)
class _Crawl:
    """When a crawl is looked at next, and its digest when it was sorted last."""

    path: Path
    tick: float
    digest: bytes | None = None
    first_hint: float | None = None
    hinted: float = inf
    """When what notices said is looked at."""
    again: float = inf
    """When it is sorted whatever its digest is."""
    pause_s: float = SOON_S
    not_before: float = 0.0
    """Notices do not have it looked at earlier."""
    was_sorted: bool = False

    @property
    def due(self) -> float:
        """When it is looked at next."""
        return min(self.tick, self.again, max(self.hinted, self.not_before))

    def hint(self, now: float) -> None:
        """Something came."""
        self.first_hint = now if self.first_hint is None else self.first_hint
        self.hinted = min(now + QUIET_S, self.first_hint + LONGEST_S)

    def look_for_unfinished(self, now: float) -> None:
        """Sort again after a pause, the next of which is twice as long."""
        self.again = now + self.pause_s
        self.pause_s = min(2 * self.pause_s, _MOST_S)


class Watcher:
    """Watches crawls for one library; looks at each once at the start."""

    def __init__(
        self, crawls: Sequence[Path], *, library: Path, every_s: float, around: Surroundings, report: Report
    ) -> None:
        self._library, self._every_s, self._around, self._report = library, every_s, around, report
        self._crawls = {crawl: _Crawl(path=crawl, tick=around.clock()) for crawl in crawls}
        self._troubles: dict[Path, Message] = {}

    def run(self) -> None:
        """Go on until KeyboardInterrupt. Raises LibraryError where the first sort shows that none can succeed."""
        while True:
            self.step()

    def step(self) -> None:
        """Wait for what comes first, a notice or the clock, and look at the crawls that are due."""
        due = min(crawl.due for crawl in self._crawls.values())
        for path in self._around.wait(max(0.0, due - self._around.clock())):
            self._crawls[path].hint(self._around.clock())
        for crawl in self._crawls.values():
            if crawl.due <= self._around.clock():
                self._look(crawl)

    def _look(self, crawl: _Crawl) -> None:
        now = self._around.clock()
        is_forced = now >= crawl.again
        crawl.first_hint, crawl.hinted, crawl.tick = None, inf, now + self._every_s
        digest = self._digest(crawl)
        if digest is None:
            crawl.again = now + min(BUSY_S, self._every_s)
            return
        if digest != crawl.digest:
            crawl.pause_s = SOON_S
        if digest != crawl.digest or is_forced:
            crawl.again = inf
            self._sort(crawl, digest)

    def _digest(self, crawl: _Crawl) -> bytes | None:
        """The digest of a crawl; None where it or the library cannot be reached, which is said once."""
        if not self._reached(self._library):
            return None
        self._around.follow([path for path in self._crawls if self._around.is_there(path)])
        if not self._reached(crawl.path):
            return None
        try:
            return self._around.digest(crawl.path)
        except OSError:  # gone just now
            self._gone(crawl.path)
            return None

    def _reached(self, folder: Path) -> bool:
        if not self._around.is_there(folder):
            self._gone(folder)
            return False
        if folder in self._troubles and self._troubles[folder] == _gone(folder):
            del self._troubles[folder]
            self._report.say(Message("{folder} is there again", folder=folder))
        return True

    def _gone(self, folder: Path) -> None:
        self._trouble(folder, _gone(folder))

    def _sort(self, crawl: _Crawl, digest: bytes) -> None:
        if digest == NO_FILES:  # an empty folder, such as that of a disk that is not mounted
            crawl.digest = digest
            return
        began = self._around.clock()
        outcome = self._around.sort(crawl.path)
        now = self._around.clock()
        crawl.tick = now + self._every_s
        if isinstance(outcome, Sorted):
            self._end(crawl, outcome, digest, took_s=now - began)
        elif isinstance(outcome, Busy):
            crawl.again = crawl.not_before = now + min(BUSY_S, self._every_s)
            self._trouble(self._library, outcome.why)
        else:
            self._fail(crawl, outcome, now)

    def _end(self, crawl: _Crawl, outcome: Sorted, digest: bytes, *, took_s: float) -> None:
        now = self._around.clock()
        is_whole = self._around.is_there(crawl.path)  # else the sort may have missed what is gone for now
        crawl.digest, crawl.was_sorted = digest if is_whole else None, True
        crawl.not_before = now + min(took_s, LONGEST_S)  # of the time, at most half goes into sorting
        if outcome.unfinished:
            crawl.look_for_unfinished(now)
        self._troubles.pop(crawl.path, None)
        self._troubles.pop(self._library, None)
        self._report.sorted(crawl.path, outcome)

    def _fail(self, crawl: _Crawl, outcome: Failed, now: float) -> None:
        if outcome.is_lasting and not crawl.was_sorted:
            raise LibraryError(outcome.why)
        crawl.digest = None
        crawl.not_before = now + min(LONGEST_S, self._every_s)
        self._trouble(crawl.path, outcome.why)

    def _trouble(self, folder: Path, why: Message) -> None:
        """Say what keeps a folder from being sorted, once for as long as it lasts."""
        if self._troubles.get(folder) != why:
            self._troubles[folder] = why
            self._report.say(why)


def _gone(folder: Path) -> Message:
    return Message("{folder} cannot be reached: waiting until it is there again", folder=folder)
