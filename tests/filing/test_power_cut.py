"""The power is cut at any call: what the disk holds by then is enough to lose nothing and to go on."""

from __future__ import annotations

import shutil
from itertools import cycle
from typing import TYPE_CHECKING

import pytest

from classifier.catalog.connection import NAME, open_catalog, read_catalog
from classifier.catalog.filesystem import state_folder
from classifier.records import Method
from fault_injection import power_cut, strace
from fault_injection.fork_server import ForkServer
from fault_injection.invariants import LAYOUTS
from fault_injection.power_cut import COMMITTED, calls_to_cut, cut_at, lost

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fault_injection.power_cut import PowerCutMachine

WHY_NOT = power_cut.unavailable_reason() or strace.unavailable_reason()
pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=f"POWER CUTS ARE NOT TESTED HERE: {WHY_NOT}")

UNSAFE = "nothing waits for the disk"


@pytest.fixture(scope="module")
def fork_server() -> Iterator[ForkServer]:
    with ForkServer() as forking:
        yield forking


def cut_at_each(fork_server: ForkServer, machine: PowerCutMachine, *, count: int) -> None:
    """Cut at `count` points."""
    for point, committed in zip(calls_to_cut(fork_server, machine, count=count), cycle(COMMITTED), strict=False):
        cut_at(fork_server, machine, point, committed)


@pytest.mark.parametrize(("method", "layout"), LAYOUTS)
def test_a_power_cut_at_a_sample_of_all_calls_loses_nothing(
    fork_server: ForkServer, method: Method, layout: str, memory_disk: Path
) -> None:
    machine = power_cut.build(memory_disk, method=method, across=layout == "across", batch=4)
    cut_at_each(fork_server, machine, count=40 if layout == "across" else 16)


@pytest.mark.parametrize("mutant", [UNSAFE, "a copy is not made durable"])
def test_without_waiting_for_the_disk_a_power_cut_does_lose_something(
    fork_server: ForkServer, memory_disk: Path, mutant: str
) -> None:
    machine = power_cut.build(memory_disk, method=Method.MOVE, across=True, batch=4)
    chosen = calls_to_cut(fork_server, machine, count=24)[8:]
    failures = lost(fork_server, machine, chosen, mutant=mutant)
    print(f"{mutant}: {len(failures)} of {len(chosen)} cuts fail: {sorted(set(failures))}")  # noqa: T201 - the figure
    assert {"LOST", "EMPTY"} & set(failures)


@pytest.mark.slow
@pytest.mark.parametrize(("method", "layout"), LAYOUTS)
def test_a_power_cut_at_eighty_calls_of_each_mode_loses_nothing(
    fork_server: ForkServer, method: Method, layout: str, memory_disk: Path
) -> None:
    machine = power_cut.build(memory_disk, method=method, across=layout == "across", batch=4)
    cut_at_each(fork_server, machine, count=80)


@pytest.mark.slow
def test_a_catalog_whose_index_was_only_begun_can_still_be_read(tmp_path: Path) -> None:
    with open_catalog(tmp_path / "library"):
        shutil.copytree(tmp_path / "library", tmp_path / "killed")
    log = state_folder(tmp_path / "killed") / f"{NAME}-wal"
    log.write_bytes(log.read_bytes()[:32])
    log.with_name(f"{NAME}-shm").write_bytes(bytes(3))
    with read_catalog(tmp_path / "killed") as catalog:
        assert [] == catalog.connection.execute("SELECT * FROM moves").fetchall()
