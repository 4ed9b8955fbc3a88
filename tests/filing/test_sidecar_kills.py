"""Killed while sidecars are filed, and while a run with sidecars is taken back: each ends beside its picture, or home.

Counted, as all kills are, so that no call is left out.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from fault_injection import strace
from fault_injection.child_run import PLACED
from fault_injection.fork_server import KILLED, ForkServer
from fault_injection.invariants import LAYOUTS
from fault_injection.sidecar_invariants import check_no_sidecar_lost, check_sidecars_filed, check_undone
from fault_injection.sweep import ScenarioFactory, calls_in_log, inject_options
from kit.sorting import BEGUN, ENDED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fault_injection.sidecar_invariants import SidecarScenario
    from fault_injection.sweep import Point

NO_STRACE = strace.unavailable_reason()
pytestmark = pytest.mark.skipif(bool(NO_STRACE), reason=f"KILLS ARE NOT TESTED HERE: {NO_STRACE}")

EVERY_IN_CI = 83
WAYS = [(method, layout, 4) for method, layout in LAYOUTS]
JOURNEYS = [("sort", "sort"), ("sort", "undo"), ("undo", "undo")]
in_all_modes = pytest.mark.parametrize("scenarios", WAYS, indirect=True, ids=lambda way: "-".join(map(str, way)))
in_all_journeys = pytest.mark.parametrize(("killed", "then"), JOURNEYS)


@pytest.fixture(scope="module")
def fork_server() -> Iterator[ForkServer]:
    with ForkServer("kit.sorting") as forking:
        yield forking


def made(fork_server: ForkServer, scenarios: ScenarioFactory, *, undo: bool) -> SidecarScenario:
    """A scenario before the run to be killed: for an undo, all is filed."""
    scenario = scenarios.create_with_sidecars()
    if undo:
        assert PLACED == fork_server.run(scenario.job())
        check_sidecars_filed(scenario)
    return scenario


def points(fork_server: ForkServer, scenarios: ScenarioFactory, log: Path, *, undo: bool) -> list[Point]:
    """Every changing call of an undo, or of the batches of sidecars in a sort."""
    scenario = made(fork_server, scenarios, undo=undo)
    options = ("-o", str(log), "-e", f"trace={','.join(strace.CHANGING)}")
    assert PLACED == fork_server.run(scenario.job(undo=undo, strace=options))
    (check_undone if undo else check_sidecars_filed)(scenario)
    scenario.clear()
    return calls_in_log(log, marks=None if undo else (BEGUN, ENDED))


def kill_at_each(
    fork_server: ForkServer, scenarios: ScenarioFactory, chosen: list[Point], *, killed: str, then: str
) -> Iterator[int]:
    """Kill one run at each point, check, let the next one finish, check; how each that was to be killed ended."""
    for point in chosen:
        scenario = made(fork_server, scenarios, undo=killed == "undo")
        ended = fork_server.run(scenario.job(undo=killed == "undo", strace=inject_options(point, "signal=KILL")))
        assert ended in {KILLED, PLACED}, f"{point}: ended with {ended}"
        check_no_sidecar_lost(scenario)
        assert PLACED == fork_server.run(scenario.job(undo=then == "undo")), f"{point}: the next {then} does not finish"
        (check_undone if then == "undo" else check_sidecars_filed)(scenario)
        scenario.clear()
        yield ended


@in_all_journeys
@in_all_modes
def test_a_kill_at_sampled_calls_leaves_sidecars_with_their_images(
    fork_server: ForkServer, scenarios: ScenarioFactory, tmp_path: Path, killed: str, then: str
) -> None:
    found = points(fork_server, scenarios, tmp_path / "log", undo=killed == "undo")
    ended = Counter(kill_at_each(fork_server, scenarios, found[::EVERY_IN_CI], killed=killed, then=then))
    assert len(found[::EVERY_IN_CI]) == ended[KILLED] == ended.total()
    assert len(found) > 100


@pytest.mark.slow
@in_all_journeys
@in_all_modes
def test_a_kill_at_every_call_leaves_every_sidecar_with_its_picture(
    fork_server: ForkServer, scenarios: ScenarioFactory, tmp_path: Path, killed: str, then: str
) -> None:
    found = points(fork_server, scenarios, tmp_path / "log", undo=killed == "undo")
    ended = Counter(kill_at_each(fork_server, scenarios, found, killed=killed, then=then))
    print(f"{killed} killed at {len(found)} calls, then {then}: {scenarios.method}, {scenarios.where}")  # noqa: T201 - the figure
    assert len(found) == ended[KILLED]
