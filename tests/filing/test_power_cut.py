"""The power is cut at any call: what the disk holds by then is enough to lose nothing and to go on."""

from __future__ import annotations

import shutil
from itertools import cycle
from typing import TYPE_CHECKING

import pytest

from classifier.catalog.connection import NAME, open_catalog, read_catalog
from classifier.catalog.filesystem import state_folder
from classifier.records import Method
from kit import power, strace
from kit.cuts import COMMITTED, cut_at, lost, points
from kit.nursery import Nursery
from kit.proofs import LAYOUTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kit.power import Machine

WHY_NOT = power.why_not() or strace.why_not()
pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=f"POWER CUTS ARE NOT TESTED HERE: {WHY_NOT}")

UNSAFE = "nothing waits for the disk"


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with Nursery() as forking:
        yield forking


def check_cuts(nursery: Nursery, machine: Machine, *, count: int) -> None:
    """Cut at `count` points."""
    for point, committed in zip(points(nursery, machine, count=count), cycle(COMMITTED), strict=False):
        cut_at(nursery, machine, point, committed)


@pytest.mark.parametrize(("method", "layout"), LAYOUTS)
def test_a_power_cut_at_a_sample_of_all_calls_loses_nothing(
    nursery: Nursery, method: Method, layout: str, memory_disk: Path
) -> None:
    machine = power.build(memory_disk, method=method, across=layout == "across", batch=4)
    check_cuts(nursery, machine, count=40 if layout == "across" else 16)


@pytest.mark.parametrize("mutant", [UNSAFE, "a copy is not made durable"])
def test_without_waiting_for_the_disk_a_power_cut_does_lose_something(
    nursery: Nursery, memory_disk: Path, mutant: str
) -> None:
    machine = power.build(memory_disk, method=Method.MOVE, across=True, batch=4)
    chosen = points(nursery, machine, count=24)[8:]
    said = lost(nursery, machine, chosen, mutant=mutant)
    print(f"{mutant}: {len(said)} of {len(chosen)} cuts fail: {sorted(set(said))}")  # noqa: T201 - the figure
    assert {"LOST", "EMPTY"} & set(said)


@pytest.mark.slow
@pytest.mark.parametrize(("method", "layout"), LAYOUTS)
def test_a_power_cut_at_eighty_calls_of_each_mode_loses_nothing(
    nursery: Nursery, method: Method, layout: str, memory_disk: Path
) -> None:
    machine = power.build(memory_disk, method=method, across=layout == "across", batch=4)
    check_cuts(nursery, machine, count=80)


@pytest.mark.slow
def test_a_catalog_whose_index_was_only_begun_can_still_be_read(tmp_path: Path) -> None:
    with open_catalog(tmp_path / "library"):
        shutil.copytree(tmp_path / "library", tmp_path / "killed")
    log = state_folder(tmp_path / "killed") / f"{NAME}-wal"
    log.write_bytes(log.read_bytes()[:32])
    log.with_name(f"{NAME}-shm").write_bytes(bytes(3))
    with read_catalog(tmp_path / "killed") as catalog:
        assert [] == catalog.connection.execute("SELECT * FROM moves").fetchall()
