from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from classifier.errors import IllsortError, Message
from classifier.parts.dispatch import Outcome, dispatch
from classifier.parts.one_by_one import one_by_one
from classifier.parts.predictor import PartReport
from classifier.parts.workers import Advanced, Answered, Event, Failed, Lost, Ready, Refused
from classifier.progress import SilentStage

if TYPE_CHECKING:
    from collections.abc import Callable

WHY = Message("it died")


@dataclass
class Pretended:
    """Workers that do at once what `plan` says for each try of a part; the plan of a start is asked for part -1."""

    plan: Callable[[int, int], str]
    most: int = 2
    start_s: float = 100.0
    stalled_s: float = 50.0
    now: float = 0.0
    started: int = 0
    alive: set[int] = field(default_factory=set)
    given: list[int] = field(default_factory=list)
    coming: deque[Event] = field(default_factory=deque)
    crowd: int = 0
    together: int = 1

    def clock(self) -> float:
        """Seconds that pass while nothing comes."""
        return self.now

    def start(self) -> int:
        """As `Workers` has it."""
        self.started += 1
        self.alive.add(self.started)
        self.crowd = max(self.crowd, len(self.alive))
        self._do(self.started, -1)
        return self.started

    def give(self, worker: int, part: int) -> None:
        """As `Workers` has it."""
        assert worker in self.alive
        self.given.append(part)
        self._do(worker, part)

    def _do(self, worker: int, part: int) -> None:
        tries = self.started if part < 0 else self.given.count(part)
        match self.plan(part, tries):
            case "lost":
                self.alive.discard(worker)
                self.coming += [Advanced(worker, 3), Lost(worker, WHY)] if part >= 0 else [Lost(worker, WHY)]
            case "failed":
                self.coming.append(Failed(worker, WHY))
            case "refused":
                self.coming.append(Refused(worker, WHY))
            case "hangs":
                pass
            case "dies idle":
                self.alive.discard(worker)
                self.coming += [Ready(worker), Lost(worker, WHY)]
            case _ if part < 0:
                self.coming.append(Ready(worker))
            case _:
                report = PartReport(number=part, pictures=10, failures=0)
                self.coming += [Advanced(worker, 4), Answered(worker, report)]

    def events(self, timeout_s: float) -> list[Event]:
        """As `Workers` has it."""
        if not self.coming:
            self.now += timeout_s
            assert self.now < 10_000, "it hangs"
            return []
        return [self.coming.popleft() for _ in range(min(self.together, len(self.coming)))]

    def stop(self, worker: int) -> None:
        """As `Workers` has it."""
        self.alive.discard(worker)


@dataclass
class Counting(SilentStage):
    """What a stage was told in all."""

    total: int = 0

    def advance(self, count: int = 1) -> None:
        """So many more."""
        assert count > 0
        self.total += count


def outcome(workers: Pretended, count: int = 5) -> tuple[Outcome, int]:
    """What became of so many parts, and how many pictures were shown as done."""
    stage = Counting()
    done = dispatch(range(count), workers, stage, say=lambda _: None, clock=workers.clock)
    return done, stage.total


def numbers(done: Outcome) -> tuple[list[int], list[int]]:
    """The parts that were done and those that failed."""
    return sorted(one.number for one in done.done), [one.number for one in done.failed]


def test_all_parts_are_done_by_as_many_workers_as_may_be() -> None:
    workers = Pretended(lambda *_: "done", most=3)

    done, shown = outcome(workers, count=7)

    assert (([0, 1, 2, 3, 4, 5, 6], []), 70, 3) == (numbers(done), shown, workers.crowd)


def test_a_worker_that_dies_is_replaced_and_its_part_tried_again() -> None:
    workers = Pretended(lambda part, tries: "lost" if part in {1, 3} and tries < 3 else "done")

    done, shown = outcome(workers)

    assert (([0, 1, 2, 3, 4], []), 50) == (numbers(done), shown)
    assert (2, 2 + 4) == (workers.crowd, workers.started)


@pytest.mark.parametrize("how", ["lost", "failed"])
def test_a_part_that_never_works_is_listed_after_three_tries(how: str) -> None:
    workers = Pretended(lambda part, _: how if part == 2 else "done")

    done, _ = outcome(workers)

    assert ([0, 1, 3, 4], [2]) == numbers(done)
    assert 3 == workers.given.count(2)
    assert WHY == done.failed[0].why


@pytest.mark.parametrize("how", ["lost", "failed"])
def test_where_nothing_works_all_parts_are_listed(how: str) -> None:
    workers = Pretended(lambda part, _: how if part >= 0 else "ready")

    done, _ = outcome(workers, count=1000)

    assert ([], list(range(1000))) == (numbers(done)[0], sorted(numbers(done)[1]))
    assert len(workers.given) < 30


def test_workers_that_die_before_they_are_ready_end_it() -> None:
    workers = Pretended(lambda *_: "lost")

    done, _ = outcome(workers)

    assert ([], [0, 1, 2, 3, 4]) == numbers(done)
    assert workers.started < 20


def test_workers_that_never_become_ready_end_it() -> None:
    done, _ = outcome(Pretended(lambda *_: "hangs"))

    assert ([], [0, 1, 2, 3, 4]) == numbers(done)
    assert "no worker became ready" in done.failed[0].why


def test_a_worker_that_stalls_is_replaced() -> None:
    workers = Pretended(lambda part, tries: "hangs" if part == 0 and tries == 1 else "done")

    done, _ = outcome(workers)

    assert ([0, 1, 2, 3, 4], []) == numbers(done)
    assert 3 == workers.started


def test_one_worker_goes_on_where_no_other_becomes_ready() -> None:
    workers = Pretended(lambda part, tries: "hangs" if part < 0 and tries > 1 else "done")

    assert ([0, 1, 2, 3, 4], []) == numbers(outcome(workers)[0])


def test_what_no_worker_could_do_is_one_line() -> None:
    with pytest.raises(IllsortError, match="it died"):
        outcome(Pretended(lambda *_: "refused"))


@pytest.mark.parametrize("together", [1, 2])
def test_a_worker_that_dies_as_it_becomes_ready_is_replaced(together: int) -> None:
    workers = Pretended(
        lambda part, tries: "dies idle" if part < 0 and tries < 4 else "done", most=1, together=together
    )
    workers.give = lambda worker, part: Pretended.give(workers, worker, part) if worker in workers.alive else None  # type: ignore[method-assign]

    assert ([0, 1, 2, 3, 4], []) == numbers(outcome(workers)[0])


def test_workers_that_only_become_ready_to_die_end_it() -> None:
    workers = Pretended(lambda *_: "dies idle", together=2)

    assert ([], [0, 1, 2, 3, 4]) == numbers(outcome(workers)[0])
    assert workers.started < 20


def test_an_outage_that_each_of_many_workers_meets_once_ends_nothing() -> None:
    failed: list[int] = []

    def plan(part: int, _: int) -> str:
        if part < 0 or len(failed) >= 40:
            return "done"
        failed.append(part)
        return "failed"

    workers = Pretended(plan, most=40)
    done, _ = outcome(workers, count=400)

    assert (400, [], 40) == (len(done.done), done.failed, len(failed))
    assert 30 <= workers.now < 60


def test_a_part_that_fails_is_given_again_after_pauses_that_grow() -> None:
    at: list[float] = []

    def plan(part: int, _: int) -> str:
        if part >= 0:
            at.append(workers.now)
        return "failed" if part >= 0 else "ready"

    workers = Pretended(plan, most=1)

    assert [0] == numbers(outcome(workers, count=1)[0])[1]
    assert [1.0, 2.0] == [later - before for before, later in pairwise(at)]


def test_one_machine_that_refuses_ends_nothing_once_another_was_ready() -> None:
    workers = Pretended(lambda part, tries: "refused" if part < 0 and tries > 1 else "done", most=3)

    done, _ = outcome(workers, count=30)

    assert (list(range(30)), []) == numbers(done)


def test_in_this_process_a_part_is_tried_three_times_too() -> None:
    given: list[int] = []
    waited: list[float] = []

    def answer(part: int, advance: Callable[[int], None]) -> PartReport:
        given.append(part)
        advance(4)
        if part == 1 or (part == 2 and given.count(2) < 3):
            raise IllsortError(WHY)
        return PartReport(number=part, pictures=10, failures=0)

    stage = Counting()
    done = one_by_one(range(4), answer, stage, say=lambda _: None, sleep=waited.append)

    assert ([0, 2, 3], [1]) == numbers(done)
    assert (3, 3, 30) == (given.count(1), given.count(2), stage.total)
    assert [1.0, 2.0, 1.0, 2.0, 4.0] == waited


def test_in_this_process_a_store_that_is_gone_ends_it() -> None:
    given: list[int] = []

    def answer(part: int, _: Callable[[int], None]) -> PartReport:
        given.append(part)
        raise IllsortError(WHY)

    done = one_by_one(range(100), answer, SilentStage(), say=lambda _: None, sleep=lambda _: None)

    assert ([], list(range(100))) == (numbers(done)[0], sorted(numbers(done)[1]))
    assert len(given) < 30
