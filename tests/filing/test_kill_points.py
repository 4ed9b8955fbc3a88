"""Killed at every changing call, in all modes, in batches of one, four and all: counted, so that none is left out."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from classifier.records import Method
from fault_injection import strace
from fault_injection.fork_server import KILLED
from fault_injection.invariants import LAYOUTS
from fault_injection.sweep import ScenarioFactory, kill_at_each, list_calls

if TYPE_CHECKING:
    from pathlib import Path

    from fault_injection.fork_server import ForkServer

NO_STRACE = strace.unavailable_reason()
pytestmark = pytest.mark.skipif(bool(NO_STRACE), reason=f"KILLS ARE NOT TESTED HERE: {NO_STRACE}")

EVERY_IN_CI = 17
LEAST_POINTS = 150
TRIED = 200
WAYS = [(method, layout, batch) for method, layout in LAYOUTS for batch in (1, 4, 64)]
in_all_modes = pytest.mark.parametrize("scenarios", WAYS, indirect=True, ids=lambda way: "-".join(map(str, way)))


def kill_sweep(
    fork_server: ForkServer, scenarios: ScenarioFactory, log: Path, *, share: int
) -> tuple[int, Counter[int]]:
    """How many points a run has, and how the runs ended that were killed at every `share`-th of them."""
    found = list_calls(fork_server, scenarios, log=log)
    assert len(found) > LEAST_POINTS
    return len(found), Counter(kill_at_each(fork_server, scenarios, found[::share]))


@in_all_modes
def test_a_kill_at_a_sample_of_all_calls_loses_and_doubles_nothing(
    fork_server: ForkServer, scenarios: ScenarioFactory, tmp_path: Path
) -> None:
    count, ended = kill_sweep(fork_server, scenarios, tmp_path / "log", share=EVERY_IN_CI)
    assert -(-count // EVERY_IN_CI) == ended[KILLED] == ended.total()


@pytest.mark.slow
@in_all_modes
def test_a_kill_at_every_call_loses_and_doubles_nothing(
    fork_server: ForkServer, scenarios: ScenarioFactory, tmp_path: Path
) -> None:
    count, ended = kill_sweep(fork_server, scenarios, tmp_path / "log", share=1)
    print(f"killed at {count} calls: {scenarios.method}, batch {scenarios.batch}, {scenarios.where}")  # noqa: T201 - the figure it is run for
    assert count == ended[KILLED]


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["same", "across"])
def test_a_kill_at_any_of_200_calls_loses_and_doubles_nothing(
    fork_server: ForkServer, layout: str, tmp_path: Path, memory_disk: Path
) -> None:
    libraries = tmp_path if layout == "across" else memory_disk
    scenarios = ScenarioFactory(libraries=libraries, crawls=memory_disk, method=Method.MOVE, batch=256, pictures=1000)
    found = list_calls(fork_server, scenarios, log=tmp_path / "log")
    chosen = [found[len(found) * number // TRIED] for number in range(TRIED)]
    ended = Counter(kill_at_each(fork_server, scenarios, chosen))
    print(f"killed at {TRIED} of {len(found)} calls: 1,000 files, {layout} disk")  # noqa: T201 - the figure it is run for
    assert TRIED == ended[KILLED]
