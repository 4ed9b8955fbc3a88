"""The n-th call fails, for every n and until it is not reached any more: once, and from then on."""

from __future__ import annotations

import errno
import os
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from classifier.catalog.lock import hold_lock
from classifier.errors import LibraryError
from fault_injection import strace
from fault_injection.child_run import NAMED, STOPPED
from fault_injection.faulty_disks import refusal
from fault_injection.invariants import LAYOUTS
from fault_injection.sweep import ScenarioFactory, fail_at

if TYPE_CHECKING:
    from pathlib import Path

    from fault_injection.fork_server import ForkServer

NO_STRACE = strace.unavailable_reason()
needs_strace = pytest.mark.skipif(bool(NO_STRACE), reason=f"FAULTS ARE NOT TESTED HERE: {NO_STRACE}")

CODES = ("ENOSPC", "EIO", "EACCES")
EVERY_IN_CI = 43
WAYS = [(method, layout, 4) for method, layout in LAYOUTS]
in_all_modes = pytest.mark.parametrize("scenarios", WAYS, indirect=True, ids=lambda way: "-".join(map(str, way)))


def failed_until_not_reached(
    fork_server: ForkServer, scenarios: ScenarioFactory, code: str, *, onwards: bool, share: int = 1
) -> Counter[int]:
    """Fail every `share`-th call of each name; how the runs ended whose fault was reached."""
    ended: Counter[int] = Counter()
    for call in strace.CHANGING:
        number = 1
        while (status := fail_at(fork_server, scenarios, call, code, first=number, onwards=onwards)) is not None:
            ended[status] += 1
            number += share
    return ended


@needs_strace
@pytest.mark.parametrize(("code", "onwards"), [("ENOSPC", True), ("EIO", False), ("EACCES", False)])
@in_all_modes
def test_an_error_at_a_sample_of_all_calls_is_named_and_loses_nothing(
    fork_server: ForkServer, scenarios: ScenarioFactory, code: str, onwards: bool
) -> None:
    ended = failed_until_not_reached(fork_server, scenarios, code, onwards=onwards, share=EVERY_IN_CI)
    assert ended[STOPPED] + ended[NAMED] > ended.total() // 2 > 4


@needs_strace
@pytest.mark.slow
@pytest.mark.parametrize("onwards", [False, True])
@pytest.mark.parametrize("code", CODES)
@in_all_modes
def test_an_error_at_every_call_is_named_and_loses_nothing(
    fork_server: ForkServer, scenarios: ScenarioFactory, code: str, onwards: bool
) -> None:
    ended = failed_until_not_reached(fork_server, scenarios, code, onwards=onwards)
    how = "from then on" if onwards else "once"
    print(f"{code} {how} at {ended.total()} calls: {scenarios.method}, {scenarios.where}, {dict(ended)}")  # noqa: T201 - the figure
    assert ended.total() > 100


def test_a_lock_that_cannot_be_signed_is_still_a_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise refusal(errno.ENOSPC, tmp_path)

    monkeypatch.setattr(os, "ftruncate", full)
    with hold_lock(tmp_path), pytest.raises(LibraryError, match="is in use by illsort"), hold_lock(tmp_path):
        pass
