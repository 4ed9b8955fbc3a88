"""The checks can fail: each of these bugs, patched into the filing code, is caught by one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fault_injection import power_cut, strace
from fault_injection.fork_server import ForkServer
from fault_injection.mutant_checks import MutantChecks
from fault_injection.mutants import MUTANTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NO_STRACE = strace.unavailable_reason()
NO_POWER = power_cut.unavailable_reason()
pytestmark = pytest.mark.skipif(bool(NO_STRACE), reason=f"MUTANTS ARE NOT TESTED HERE: {NO_STRACE}")

CAUGHT_BY = {
    "the source goes before its copy is written": "kill",
    "the source goes before its copy is durable": "cut",
    "a copy is not made durable": "cut",
    "a folder is not made durable": "order",
    "a failed sync is taken for done": "no_sync",
    "a rename replaces": "race",
    "it looks and then renames": "race",
    "a taken name counts as placed": "race",
    "the intent is committed after the disk changed": "kill_near",
    "a change is done before the disk has it": "kill_near",
    "the place is not recorded": "run",
    "a change is not in the trail": "run",
    "the journal does not wait for the disk": "order",
    "an equal size and time are an equal picture": "run",
    "a link in place of the source is followed": "swap",
    "a copy is not compared": "spoil",
    "an edited source goes all the same": "edit",
    "nothing is recovered": "kill",
    "recovery leaves half copies": "kill",
    "recovery removes whatever looks half": "kill",
    "recovery forgets the source of a copied move": "kill",
    "nothing waits for the disk": "cut",
}


@pytest.fixture(scope="module")
def fork_server() -> Iterator[ForkServer]:
    with ForkServer() as forking:
        yield forking


@pytest.fixture
def checks(fork_server: ForkServer, tmp_path: Path, memory_disk: Path) -> MutantChecks:
    return MutantChecks(fork_server=fork_server, near=memory_disk, far=tmp_path)


def test_every_mutant_has_a_check() -> None:
    assert set(MUTANTS) == set(CAUGHT_BY)


# Kills and power cuts have their own test files.
@pytest.mark.parametrize("check", sorted(set(CAUGHT_BY.values()) - {"kill", "kill_near", "cut"}))
def test_the_unchanged_code_passes_each_check(checks: MutantChecks, check: str) -> None:
    getattr(checks, check)("")


@pytest.mark.parametrize(("mutant", "check"), CAUGHT_BY.items())
def test_each_mutant_is_caught(checks: MutantChecks, mutant: str, check: str) -> None:
    if check == "cut" and NO_POWER:
        pytest.skip(f"POWER CUTS ARE NOT TESTED HERE: {NO_POWER}")
    with pytest.raises(AssertionError) as caught:
        getattr(checks, check)(mutant)
    failure, _, _ = str(caught.value).partition("\n")
    print(f"{mutant}: {check}: {failure}")  # noqa: T201 - what caught it is worth knowing
