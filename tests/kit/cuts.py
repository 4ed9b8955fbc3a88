"""Power cuts at the calls of a run, and what must hold after each."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from itertools import cycle, pairwise
from typing import TYPE_CHECKING

from classifier.catalog.connection import NAME
from classifier.catalog.filesystem import state_folder
from kit.attempt import PLACED
from kit.nursery import KILLED
from kit.proofs import check_finished, check_nothing_lost
from kit.strace import CHANGING
from kit.sweeps import Point, fault_at, numbered

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from kit.nursery import Nursery
    from kit.power import Machine

COMMITTED = (frozenset(), frozenset({"crawl"}), frozenset({"library"}), frozenset({"crawl", "library"}))
"""Which disks have written their log by themselves just before the cut."""


def points(nursery: Nursery, machine: Machine, *, count: int, after: str = "") -> list[Point]:
    """About `count` changing calls, evenly from an undisturbed run; and each that follows one named `after`."""
    log = machine.folder / "log"
    with machine.on():
        options = ("-o", str(log), "-e", f"trace={','.join(CHANGING)}")
        assert PLACED == nursery.run(machine.stage.job(strace=options))
    found = numbered(log)
    evenly = [found[len(found) * number // count] for number in range(count)]
    return evenly + [point for (before, _), point in pairwise(found) if before == after]


def cut_at(nursery: Nursery, machine: Machine, point: Point, committed: frozenset[str], *, mutant: str = "") -> None:
    """Cut the power at one call, check what is left, run again, check; AssertionError when a check fails."""
    staged = machine.stage
    with machine.on():
        ended = nursery.run(staged.job(mutant=mutant, strace=fault_at(point, "signal=KILL")))
        assert ended in {KILLED, PLACED}, f"ended with {ended}"
        machine.cut(committed=committed)
    with machine.on(after_cut=True):
        check_nothing_lost(staged)
        check_catalog(staged.library, elsewhere=machine.folder / "looked at")
        assert PLACED == nursery.run(staged.job(mutant=mutant)), "a rerun does not finish"
        check_finished(staged)


def check_catalog(library: Path, *, elsewhere: Path) -> None:
    """The catalog as the next start will see it is whole; looked at in a copy, for looking repairs."""
    for end in ("", "-wal"):
        part = state_folder(library) / f"{NAME}{end}"
        copy = elsewhere.with_name(elsewhere.name + end)
        copy.unlink(missing_ok=True)
        if part.exists():
            shutil.copyfile(part, copy)
    with closing(sqlite3.connect(elsewhere)) as connection:
        assert [("ok",)] == connection.execute("PRAGMA integrity_check").fetchall(), "a broken catalog"


def lost(nursery: Nursery, machine: Machine, chosen: Sequence[Point], *, mutant: str) -> list[str]:
    """What the checks say of cuts at these points."""
    said = []
    for point, committed in zip(chosen, cycle(COMMITTED), strict=False):
        try:
            cut_at(nursery, machine, point, committed, mutant=mutant)
        except AssertionError as error:
            said.append(str(error).partition("\n")[0])
    return said
