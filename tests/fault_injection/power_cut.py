"""Power cuts: ext4 file systems in files, copied at one instant, hold exactly what a cut would leave."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from itertools import cycle, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.catalog.connection import NAME
from classifier.catalog.filesystem import state_folder
from fault_injection.child_run import PLACED
from fault_injection.fork_server import KILLED
from fault_injection.invariants import Scenario, check_finished, check_nothing_lost, make_scenario
from fault_injection.strace import CHANGING
from fault_injection.sweep import Point, calls_in_log, inject_options

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from classifier.records import Method
    from fault_injection.fork_server import ForkServer

_SIZE = 16 << 20


def unavailable_reason() -> str:
    """Why power cuts cannot be simulated here; empty if they can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "only root on Linux can mount a file"
    missing = [tool for tool in ("mkfs.ext4", "mount", "umount") if shutil.which(tool) is None]
    if missing:
        return f"{missing[0]} is not installed"
    return "" if Path("/dev/loop-control").exists() else "there are no loop devices"


@dataclass(frozen=True, kw_only=True)
class PowerCutMachine:
    """One or two disks as files in `folder`, mounted while the power is on, and the scenario on them."""

    folder: Path
    disks: tuple[str, ...]
    scenario: Scenario

    @contextmanager
    def on(self, *, after_cut: bool = False) -> Iterator[None]:
        """Mount the disks as they were created, or as the last cut left them."""
        with ExitStack() as stack:
            for name in self.disks:
                if not after_cut:
                    shutil.copyfile(self.folder / f"{name}.made", self.folder / f"{name}.disk")
                stack.enter_context(_mounted(self.folder / f"{name}.{'cut' if after_cut else 'disk'}"))
            yield

    def cut(self, *, committed: frozenset[str]) -> None:
        """Copy the disks as they are now; those in `committed` first write their journal, as they may at any time."""
        for name in committed & frozenset(self.disks):
            # A sync of another file commits every name on the disk, but not the content of other files.
            with (_mount_point(self.folder / name) / "other").open("wb") as file:
                os.fsync(file.fileno())
        for name in self.disks:
            shutil.copyfile(self.folder / f"{name}.disk", self.folder / f"{name}.cut")


def build(folder: Path, *, method: Method, across: bool, batch: int) -> PowerCutMachine:
    """A machine with a scenario: crawl and library are on two disks if `across`, else on one."""
    disks = ("library", "crawl") if across else ("library",)
    with ExitStack() as stack:
        for name in disks:
            disk = folder / f"{name}.made"
            with disk.open("wb") as file:
                file.truncate(_SIZE)
            subprocess.run(["mkfs.ext4", "-q", "-F", "-m0", "-Enodiscard", disk], check=True, capture_output=True)
            stack.enter_context(_mounted(disk))
        root = _mount_point(folder / disks[-1])
        made = make_scenario(root / "pictures", _mount_point(folder / "library") / "sorted", method=method, batch=batch)
    return PowerCutMachine(folder=folder, disks=disks, scenario=made)


def _mount_point(disk: Path) -> Path:
    return disk.with_name(f"{disk.stem}_mounted")


@contextmanager
def _mounted(disk: Path) -> Iterator[None]:
    folder = _mount_point(disk)
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "ext4", "-o", "loop", disk, folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


COMMITTED = (frozenset(), frozenset({"crawl"}), frozenset({"library"}), frozenset({"crawl", "library"}))
"""Which disks have written their journal just before the cut."""


def calls_to_cut(fork_server: ForkServer, machine: PowerCutMachine, *, count: int, after: str = "") -> list[Point]:
    """About `count` changing calls, evenly from an undisturbed run; and each that follows one named `after`."""
    log = machine.folder / "log"
    with machine.on():
        options = ("-o", str(log), "-e", f"trace={','.join(CHANGING)}")
        assert PLACED == fork_server.run(machine.scenario.job(strace=options))
    found = calls_in_log(log)
    evenly = [found[len(found) * number // count] for number in range(count)]
    return evenly + [point for (before, _), point in pairwise(found) if before == after]


def cut_at(
    fork_server: ForkServer, machine: PowerCutMachine, point: Point, committed: frozenset[str], *, mutant: str = ""
) -> None:
    """Cut the power at one call, check what is left, run again, check; AssertionError when a check fails."""
    scenario = machine.scenario
    with machine.on():
        ended = fork_server.run(scenario.job(mutant=mutant, strace=inject_options(point, "signal=KILL")))
        assert ended in {KILLED, PLACED}, f"ended with {ended}"
        machine.cut(committed=committed)
    with machine.on(after_cut=True):
        check_nothing_lost(scenario)
        check_catalog(scenario.library, elsewhere=machine.folder / "checked copy")
        assert PLACED == fork_server.run(scenario.job(mutant=mutant)), "a rerun does not finish"
        check_finished(scenario)


def check_catalog(library: Path, *, elsewhere: Path) -> None:
    """The catalog is intact as the next start will see it; checked in a copy, because opening it repairs it."""
    for end in ("", "-wal"):
        part = state_folder(library) / f"{NAME}{end}"
        copy = elsewhere.with_name(elsewhere.name + end)
        copy.unlink(missing_ok=True)
        if part.exists():
            shutil.copyfile(part, copy)
    with closing(sqlite3.connect(elsewhere)) as connection:
        assert [("ok",)] == connection.execute("PRAGMA integrity_check").fetchall(), "a broken catalog"


def lost(fork_server: ForkServer, machine: PowerCutMachine, chosen: Sequence[Point], *, mutant: str) -> list[str]:
    """The messages of the checks that fail after cuts at these points."""
    failures = []
    for point, committed in zip(chosen, cycle(COMMITTED), strict=False):
        try:
            cut_at(fork_server, machine, point, committed, mutant=mutant)
        except AssertionError as error:
            failures.append(str(error).partition("\n")[0])
    return failures
