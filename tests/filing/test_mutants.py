"""The proofs are worth something: each of these bugs, planted into the engine, is caught by one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kit import power, strace
from kit.mutants import MUTANTS
from kit.nursery import Nursery
from kit.trials import Trials

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NO_STRACE = strace.why_not()
NO_POWER = power.why_not()
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
def nursery() -> Iterator[Nursery]:
    with Nursery() as forking:
        yield forking


@pytest.fixture
def trials(nursery: Nursery, tmp_path: Path, memory_disk: Path) -> Trials:
    return Trials(nursery=nursery, near=memory_disk, far=tmp_path)


def test_every_mutant_is_put_to_a_proof() -> None:
    assert set(MUTANTS) == set(CAUGHT_BY)


# Kills and cuts have files of their own, with finer samples.
@pytest.mark.parametrize("proof", sorted(set(CAUGHT_BY.values()) - {"kill", "kill_near", "cut"}))
def test_the_engine_itself_passes_the_proof(trials: Trials, proof: str) -> None:
    getattr(trials, proof)("")


@pytest.mark.parametrize(("mutant", "proof"), CAUGHT_BY.items())
def test_a_planted_bug_is_caught(trials: Trials, mutant: str, proof: str) -> None:
    if proof == "cut" and NO_POWER:
        pytest.skip(f"POWER CUTS ARE NOT TESTED HERE: {NO_POWER}")
    with pytest.raises(AssertionError) as caught:
        getattr(trials, proof)(mutant)
    said, _, _ = str(caught.value).partition("\n")
    print(f"{mutant}: {proof}: {said}")  # noqa: T201 - what caught it is worth knowing
