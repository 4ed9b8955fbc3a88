"""Killed while sidecars are filed, and while a run with sidecars is taken back: each ends beside its picture, or home.

Counted, as all kills are, so that no call is left out.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from kit import strace
from kit.attempt import PLACED
from kit.beside import check_beside, check_none_lost, check_undone
from kit.nursery import KILLED, Nursery
from kit.proofs import LAYOUTS
from kit.sorting import BEGUN, ENDED
from kit.sweeps import Grounds, fault_at, numbered

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kit.beside import SidecarStage
    from kit.sweeps import Point

NO_STRACE = strace.why_not()
pytestmark = pytest.mark.skipif(bool(NO_STRACE), reason=f"KILLS ARE NOT TESTED HERE: {NO_STRACE}")

EVERY_IN_CI = 83
WAYS = [(method, layout, 4) for method, layout in LAYOUTS]
JOURNEYS = [("sort", "sort"), ("sort", "undo"), ("undo", "undo")]
in_all_modes = pytest.mark.parametrize("grounds", WAYS, indirect=True, ids=lambda way: "-".join(map(str, way)))
in_all_journeys = pytest.mark.parametrize(("killed", "then"), JOURNEYS)


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with Nursery("kit.sorting") as forking:
        yield forking


def made(nursery: Nursery, grounds: Grounds, *, undo: bool) -> SidecarStage:
    """A stage before the run that is to be killed: for an undo, all is filed."""
    staged = grounds.sidecar_stage()
    if undo:
        assert PLACED == nursery.run(staged.job())
        check_beside(staged)
    return staged


def points(nursery: Nursery, grounds: Grounds, log: Path, *, undo: bool) -> list[Point]:
    """Every changing call of an undo, or of the batches of sidecars in a sort."""
    staged = made(nursery, grounds, undo=undo)
    options = ("-o", str(log), "-e", f"trace={','.join(strace.CHANGING)}")
    assert PLACED == nursery.run(staged.job(undo=undo, strace=options))
    (check_undone if undo else check_beside)(staged)
    staged.clear()
    return numbered(log, marks=None if undo else (BEGUN, ENDED))


def killed_at(nursery: Nursery, grounds: Grounds, chosen: list[Point], *, killed: str, then: str) -> Iterator[int]:
    """Kill one run at each point, check, let the next one finish, check; how each that was to be killed ended."""
    for point in chosen:
        staged = made(nursery, grounds, undo=killed == "undo")
        ended = nursery.run(staged.job(undo=killed == "undo", strace=fault_at(point, "signal=KILL")))
        assert ended in {KILLED, PLACED}, f"{point}: ended with {ended}"
        check_none_lost(staged)
        assert PLACED == nursery.run(staged.job(undo=then == "undo")), f"{point}: the next {then} does not finish"
        (check_undone if then == "undo" else check_beside)(staged)
        staged.clear()
        yield ended


@in_all_journeys
@in_all_modes
def test_a_kill_at_a_sample_of_all_calls_leaves_every_sidecar_with_its_picture(
    nursery: Nursery, grounds: Grounds, tmp_path: Path, killed: str, then: str
) -> None:
    found = points(nursery, grounds, tmp_path / "log", undo=killed == "undo")
    ended = Counter(killed_at(nursery, grounds, found[::EVERY_IN_CI], killed=killed, then=then))
    assert len(found[::EVERY_IN_CI]) == ended[KILLED] == ended.total()
    assert len(found) > 100


@pytest.mark.slow
@in_all_journeys
@in_all_modes
def test_a_kill_at_every_call_leaves_every_sidecar_with_its_picture(
    nursery: Nursery, grounds: Grounds, tmp_path: Path, killed: str, then: str
) -> None:
    found = points(nursery, grounds, tmp_path / "log", undo=killed == "undo")
    ended = Counter(killed_at(nursery, grounds, found, killed=killed, then=then))
    print(f"{killed} killed at {len(found)} calls, then {then}: {grounds.method}, {grounds.where}")  # noqa: T201 - the figure
    assert len(found) == ended[KILLED]
