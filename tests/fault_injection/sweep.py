"""Injects a fault at every changing system call of a run, one run per call, each in a new scenario."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from fault_injection.child_run import NAMED, PLACED, STOPPED
from fault_injection.fork_server import KILLED
from fault_injection.invariants import check_finished, check_nothing_lost, make_scenario
from fault_injection.sidecar_invariants import add_sidecars
from fault_injection.strace import CHANGING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.records import Method
    from fault_injection.fork_server import ForkServer
    from fault_injection.invariants import Scenario
    from fault_injection.sidecar_invariants import SidecarScenario

Point = tuple[str, int]
_LINE = re.compile(r"(\d+)\s+(\w+)\(")


@dataclass(kw_only=True)
class ScenarioFactory:
    """Creates scenarios: the libraries on one disk, the crawls on the same or another."""

    libraries: Path
    crawls: Path
    method: Method
    batch: int = 256
    pictures: int = 12
    count: int = field(default=0, init=False)

    @property
    def where(self) -> str:
        """Whether a move crosses disks, in words."""
        return "same disk" if self.libraries == self.crawls else "across disks"

    def create(self) -> Scenario:
        """A new scenario; clear the last one first, because a sweep makes many."""
        self.count += 1
        name = f"{self.count:05}"  # as long as all others: the length of a path decides where a page of SQLite ends
        library, crawl = self.libraries / f"library{name}", self.crawls / f"crawl{name}"
        return make_scenario(crawl, library, method=self.method, batch=self.batch, pictures=self.pictures)

    def create_with_sidecars(self) -> SidecarScenario:
        """A new scenario whose images have sidecars."""
        return add_sidecars(self.create())


def list_calls(fork_server: ForkServer, scenarios: ScenarioFactory, *, log: Path, mutant: str = "") -> list[Point]:
    """Every changing call of a run without faults: the call's name, and its number by name and thread."""
    scenario = scenarios.create()
    options = ("-o", str(log), "-e", f"trace={','.join(CHANGING)}")
    if fork_server.run(scenario.job(mutant=mutant, strace=options)) != PLACED:
        raise RuntimeError(f"a run without faults does not finish: {mutant}")
    scenario.clear()
    return calls_in_log(log)


def calls_in_log(log: Path, *, marks: tuple[str, str] | None = None) -> list[Point]:
    """The calls in a log of strace, numbered from its start.

    With `marks`, only calls between one that contains the first and one that contains the second, in that thread only:
    a call of another thread may have the same number as an early call of this one.
    """
    counts: Counter[tuple[str, str]] = Counter()
    found: dict[Point, None] = {}
    marked_thread = "" if marks else None
    for line in log.read_text(errors="replace").splitlines():
        if match := _LINE.match(line):
            thread, call = match.groups()
            counts[thread, call] += 1
            if marks and marks[1] in line:
                marked_thread = ""
            if marked_thread is None or marked_thread == thread:
                found[call, counts[thread, call]] = None
            if marks and marks[0] in line:
                marked_thread = thread
    return list(found)


def inject_options(point: Point, fault: str, *, onwards: bool = False) -> tuple[str, ...]:
    """The strace options for `fault` (`signal=KILL`, `error=EIO`) at one call, or from it on."""
    call, number = point
    return ("-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:{fault}:when={number}{'+' * onwards}")


def kill_at_each(
    fork_server: ForkServer, scenarios: ScenarioFactory, chosen: list[Point], *, mutant: str = ""
) -> Iterator[int]:
    """Kill one run at each point, check, rerun, check; yields how each run ended. AssertionError if a check fails."""
    for point in chosen:
        scenario = scenarios.create()
        ended = fork_server.run(scenario.job(mutant=mutant, strace=inject_options(point, "signal=KILL")))
        assert ended in {KILLED, PLACED}, f"{point}: ended with {ended}"
        check_nothing_lost(scenario)
        assert fork_server.run(scenario.job(mutant=mutant)) == PLACED, f"{point}: a rerun does not finish"
        check_finished(scenario)
        scenario.clear()
        yield ended


def fail_at(
    fork_server: ForkServer, scenarios: ScenarioFactory, call: str, code: str, *, first: int, onwards: bool
) -> int | None:
    """Fail the `first` call of this name, check, rerun, check; how the run ended, None if the call is not reached."""
    scenario = scenarios.create()
    log = scenarios.libraries / "log"
    options = ("-o", str(log), *inject_options((call, first), f"error={code}", onwards=onwards)[2:])
    ended = fork_server.run(scenario.job(strace=options))
    reached = "(INJECTED)" in log.read_text(errors="replace")
    at = (call, first, code, onwards)
    assert ended in {PLACED, NAMED, STOPPED}, f"{at}: ended with {ended}"
    check_nothing_lost(scenario)
    assert fork_server.run(scenario.job()) == PLACED, f"{at}: a rerun does not finish"
    check_finished(scenario)
    scenario.clear()
    return ended if reached else None
