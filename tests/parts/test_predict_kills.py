from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fault_injection.predict_process import PredictProcess, small_run
from fault_injection.strace import unavailable_reason
from kit.listings import hashes

if TYPE_CHECKING:
    from pathlib import Path

WHY_NOT = unavailable_reason()


@pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)
def test_a_kill_at_any_call_that_changes_a_file_leaves_whole_files_and_the_next_run_ends_it(tmp_path: Path) -> None:
    whole = small_run(tmp_path)
    with PredictProcess() as process:
        points = process.points(whole, log=tmp_path / "log")
        expected = hashes(tmp_path / "answers")
        reached = 0
        for call, number in points:
            folder = tmp_path / "killed"
            run = replace(whole, answers=str(folder))
            reached += process.killed(run, call=call, number=number)
            left = hashes(folder) if folder.exists() else {}
            assert {name: one for name, one in expected.items() if name in left} == _named(left), (call, number)
            assert 0 == process.finish(run), (call, number)
            assert expected == _named(hashes(folder)), (call, number)
            shutil.rmtree(folder)

    assert {"openat", "write", "fsync"} <= {call for call, _ in points}
    assert len(points) == reached


def _named(found: dict[str, str]) -> dict[str, str]:
    """What reads as whole: the others begin with a dot."""
    return {name: one for name, one in found.items() if not name.startswith(".")}
