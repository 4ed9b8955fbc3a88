"""Faults at every changing call of a run, one run each, over freshly made stages."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from kit.attempt import NAMED, PLACED, STOPPED
from kit.beside import with_sidecars
from kit.nursery import KILLED
from kit.proofs import check_finished, check_nothing_lost, stage
from kit.strace import CHANGING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.records import Method
    from kit.beside import SidecarStage
    from kit.nursery import Nursery
    from kit.proofs import Stage

Point = tuple[str, int]
_LINE = re.compile(r"(\d+)\s+(\w+)\(")


@dataclass(kw_only=True)
class Grounds:
    """Where stages are made: the libraries on one disk, the crawls on the same or another."""

    libraries: Path
    crawls: Path
    method: Method
    batch: int = 256
    pictures: int = 12
    count: int = field(default=0, init=False)

    @property
    def where(self) -> str:
        """Whether a move crosses disks."""
        return "same disk" if self.libraries == self.crawls else "across disks"

    def stage(self) -> Stage:
        """A stage of its own; the last one is to be cleared before, for there may be many."""
        self.count += 1
        name = str(self.count)
        library, crawl = self.libraries / f"library{name}", self.crawls / f"crawl{name}"
        return stage(crawl, library, method=self.method, batch=self.batch, pictures=self.pictures)

    def sidecar_stage(self) -> SidecarStage:
        """One whose pictures have sidecars."""
        return with_sidecars(self.stage())


def points(nursery: Nursery, grounds: Grounds, *, log: Path, mutant: str = "") -> list[Point]:
    """Every changing call of a run without faults: its name, and its number of that name in its thread."""
    staged = grounds.stage()
    options = ("-o", str(log), "-e", f"trace={','.join(CHANGING)}")
    if nursery.run(staged.job(mutant=mutant, strace=options)) != PLACED:
        raise RuntimeError(f"a run without faults does not finish: {mutant}")
    staged.clear()
    return numbered(log)


def numbered(log: Path, *, marks: tuple[str, str] | None = None) -> list[Point]:
    """The calls in a strace's log, numbered from its start.

    With `marks`, only those between a call that holds the first and one that holds the second, and of that thread
    alone: the number of another thread's call may be that of an early one of this thread.
    """
    counts: Counter[tuple[str, str]] = Counter()
    found: dict[Point, None] = {}
    teller = "" if marks else None
    for line in log.read_text(errors="replace").splitlines():
        if match := _LINE.match(line):
            thread, call = match.groups()
            counts[thread, call] += 1
            if marks and marks[1] in line:
                teller = ""
            if teller is None or teller == thread:
                found[call, counts[thread, call]] = None
            if marks and marks[0] in line:
                teller = thread
    return list(found)


def fault_at(point: Point, fault: str, *, onwards: bool = False) -> tuple[str, ...]:
    """The strace options for `fault` (`signal=KILL`, `error=EIO`) at one call, or from it onwards."""
    call, number = point
    return ("-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:{fault}:when={number}{'+' * onwards}")


def killed_at(nursery: Nursery, grounds: Grounds, chosen: list[Point], *, mutant: str = "") -> Iterator[int]:
    """Kill one run at each point, check, run again, check; how each run ended. AssertionError when a check fails."""
    for point in chosen:
        staged = grounds.stage()
        ended = nursery.run(staged.job(mutant=mutant, strace=fault_at(point, "signal=KILL")))
        assert ended in {KILLED, PLACED}, f"{point}: ended with {ended}"
        check_nothing_lost(staged)
        assert nursery.run(staged.job(mutant=mutant)) == PLACED, f"{point}: a rerun does not finish"
        check_finished(staged)
        staged.clear()
        yield ended


def failed_at(nursery: Nursery, grounds: Grounds, call: str, code: str, *, first: int, onwards: bool) -> int | None:
    """Fail one run at the `first` call of this name, check, run again, check; how it ended, None when not reached."""
    staged = grounds.stage()
    log = grounds.libraries / "log"
    options = ("-o", str(log), *fault_at((call, first), f"error={code}", onwards=onwards)[2:])
    ended = nursery.run(staged.job(strace=options))
    reached = "(INJECTED)" in log.read_text(errors="replace")
    at = (call, first, code, onwards)
    assert ended in {PLACED, NAMED, STOPPED}, f"{at}: ended with {ended}"
    check_nothing_lost(staged)
    assert nursery.run(staged.job()) == PLACED, f"{at}: a rerun does not finish"
    check_finished(staged)
    staged.clear()
    return ended if reached else None
