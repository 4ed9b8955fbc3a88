from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from classifier.catalog.run_counts import RunCounts
from classifier.errors import LibraryError, Message
from classifier.sort.watch import BUSY_S, LONGEST_S, QUIET_S, SOON_S, Watcher
from classifier.sort.watch_round import Busy, Failed, Outcome, Sorted

if TYPE_CHECKING:
    from collections.abc import Sequence

A, B, LIBRARY = Path("a"), Path("b"), Path("library")
EVERY_S = 600.0
NO_PICTURES = RunCounts(run=1, filed=0, review=0, unknown=0, copies=0, duplicates=0, failed=0, moved=0)
DONE = Sorted(counts=NO_PICTURES, unfinished=0, seconds=1.0)
UNFINISHED = Sorted(counts=NO_PICTURES, unfinished=1, seconds=1.0)
BUSY = Busy(why=Message("in use"))
FAILED = Failed(why=Message("the disk is full"))
LASTING = Failed(why=Message("no model"), is_lasting=True)


@dataclass
class _World:
    """A clock that jumps to what is next, crawls as digests, and sorts that end as the test says."""

    now: float = 0.0
    digests: dict[Path, bytes] = field(default_factory=lambda: {A: b"1", B: b"1"})
    gone: set[Path] = field(default_factory=set)
    hints: list[tuple[float, Path]] = field(default_factory=list)
    """When a notice comes, and of which crawl, in order."""
    outcomes: list[Outcome] = field(default_factory=list)
    """Of the next sorts; those after them are done."""
    took_s: float = 0.0
    sorts: list[tuple[float, Path]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    looks: int = 0

    def clock(self) -> float:
        return self.now

    def wait(self, seconds: float) -> set[Path]:
        until = self.now + seconds
        if self.hints and self.hints[0][0] <= until:
            at, crawl = self.hints.pop(0)
            self.now = max(self.now, at)
            return {crawl}
        self.now = until
        return set()

    def follow(self, crawls: Sequence[Path]) -> None:
        self.followed = list(crawls)

    def is_there(self, folder: Path) -> bool:
        return folder not in self.gone

    def digest(self, crawl: Path) -> bytes:
        self.looks += 1
        if crawl in self.gone:
            raise FileNotFoundError(crawl)
        return self.digests[crawl]

    def sort(self, crawl: Path) -> Outcome:
        self.sorts.append((self.now, crawl))
        self.now += self.took_s
        return self.outcomes.pop(0) if self.outcomes else DONE

    def say(self, message: Message) -> None:
        self.said.append(str(message))

    def sorted(self, crawl: Path, round_: Sorted) -> None:
        """Nothing is printed."""


def watcher(world: _World, *crawls: Path) -> Watcher:
    """One that has sorted each crawl once, as it does at its start."""
    watcher = Watcher(crawls, library=LIBRARY, every_s=EVERY_S, around=world, report=world)
    watcher.step()
    return watcher


def pass_time(world: _World, watcher: Watcher, seconds: float) -> None:
    until = world.now + seconds
    while world.now < until:
        watcher.step()


def comes(world: _World, crawl: Path, *times: float) -> None:
    """Pictures come into a crawl, and a notice of each."""
    world.digests[crawl] += b"+"
    world.hints += [(world.now + at, crawl) for at in times]


def test_each_crawl_is_sorted_at_the_start() -> None:
    world = _World()
    watcher(world, A, B)

    assert [(0, A), (0, B)] == world.sorts


def test_arrivals_are_gathered_until_it_is_quiet_and_sorted_once() -> None:
    world = _World()
    running = watcher(world, A, B)
    comes(world, A, 10, 12, 15)
    pass_time(world, running, 100)

    assert [(15 + QUIET_S, A)] == world.sorts[2:]


def test_a_crawl_that_is_never_quiet_is_sorted_all_the_same() -> None:
    world = _World()
    running = watcher(world, A)
    comes(world, A, *range(10, 200, 2))
    pass_time(world, running, 100)

    assert (10 + LONGEST_S, A) == world.sorts[1]


def test_after_a_long_sort_the_next_one_waits() -> None:
    world = _World(took_s=30)
    running = watcher(world, A)
    comes(world, A, 1)
    pass_time(world, running, 60)

    assert [(0, A), (60, A)] == world.sorts


def test_what_no_notice_tells_of_is_found_by_the_clock() -> None:
    world = _World()
    running = watcher(world, A)
    world.digests[A] = b"2"
    pass_time(world, running, EVERY_S)

    assert [(0, A), (EVERY_S, A)] == world.sorts


def test_a_crawl_without_change_is_looked_at_by_the_clock_alone_and_not_sorted() -> None:
    world = _World()
    running = watcher(world, A)
    pass_time(world, running, 10 * EVERY_S)

    assert [(0, A)] == world.sorts
    assert 11 == world.looks


def test_a_notice_without_change_begins_no_sort() -> None:
    world = _World()
    running = watcher(world, A)
    world.hints = [(10, A)]
    pass_time(world, running, EVERY_S)

    assert [(0, A)] == world.sorts


def test_unfinished_downloads_are_looked_for_soon_and_then_less_often() -> None:
    world = _World(outcomes=[UNFINISHED] * 4)
    running = watcher(world, A)
    pass_time(world, running, 5 * EVERY_S)

    assert [0, SOON_S, 3 * SOON_S, 7 * SOON_S, 15 * SOON_S] == [at for at, _ in world.sorts]


def test_a_notice_between_does_not_forget_an_unfinished_download() -> None:
    world = _World(outcomes=[UNFINISHED])
    running = watcher(world, A)
    world.hints = [(1, A)]
    pass_time(world, running, EVERY_S)

    assert [0, SOON_S] == [at for at, _ in world.sorts]


def test_a_library_in_use_is_tried_again_and_said_once() -> None:
    world = _World(outcomes=[BUSY, BUSY])
    running = watcher(world, A)
    comes(world, A, 1)
    pass_time(world, running, EVERY_S)

    assert [0, BUSY_S, 2 * BUSY_S] == [at for at, _ in world.sorts]
    assert ["in use"] == world.said


def test_a_crawl_that_is_gone_is_waited_for_and_nothing_is_sorted_meanwhile() -> None:
    world = _World()
    running = watcher(world, A, B)
    world.gone = {A}
    world.hints = [(10, A), (20, B)]
    world.digests[B] = b"2"
    pass_time(world, running, 2 * EVERY_S)
    assert [(20 + QUIET_S, B)] == world.sorts[2:]
    assert [B] == world.followed
    assert ["a cannot be reached: waiting until it is there again"] == world.said
    world.gone, back = set(), world.now
    pass_time(world, running, BUSY_S)

    assert [A] == [crawl for at, crawl in world.sorts if back <= at <= back + BUSY_S]
    assert [A, B] == world.followed
    assert ["a is there again"] == world.said[1:]


def test_a_crawl_that_goes_away_while_it_is_sorted_is_sorted_again() -> None:
    world = _World()
    running = watcher(world, A)
    world.digests[A] = b"2"
    sort, world.outcomes = world.sort, [DONE]

    def unplugged(crawl: Path) -> Outcome:
        world.gone = {A}
        return sort(crawl)

    world.sort = unplugged  # type: ignore[method-assign]
    pass_time(world, running, EVERY_S)
    world.sort, world.gone = sort, set()  # type: ignore[method-assign]
    pass_time(world, running, EVERY_S)

    assert [(0, A), (EVERY_S, A), (2 * EVERY_S, A)] == world.sorts


def test_a_library_that_is_gone_is_waited_for() -> None:
    world = _World()
    running = watcher(world, A)
    world.gone = {LIBRARY}
    comes(world, A, 1)
    pass_time(world, running, EVERY_S)
    assert [(0, A)] == world.sorts
    world.gone = set()
    pass_time(world, running, BUSY_S)

    assert 2 == len(world.sorts)
    assert ["library cannot be reached: waiting until it is there again", "library is there again"] == world.said


def test_an_empty_crawl_is_not_sorted() -> None:
    """A disk that is not mounted is an empty folder."""
    world = _World()
    running = watcher(world, A)
    world.digests[A] = b""
    pass_time(world, running, 3 * EVERY_S)

    assert [(0, A)] == world.sorts


def test_a_failed_sort_is_tried_again_by_the_clock_and_said_once() -> None:
    world = _World(outcomes=[DONE, FAILED, FAILED])
    running = watcher(world, A)
    comes(world, A, 10)
    pass_time(world, running, 3 * EVERY_S)

    assert [0, 10 + QUIET_S, 10 + QUIET_S + EVERY_S, 10 + QUIET_S + 2 * EVERY_S] == [at for at, _ in world.sorts]
    assert ["the disk is full"] == world.said


def test_notices_do_not_have_a_failed_sort_tried_in_a_tight_loop() -> None:
    world = _World(outcomes=[FAILED] * 100)
    running = watcher(world, A)
    comes(world, A, *range(1, 120))
    pass_time(world, running, 120)

    assert [0, 1 + LONGEST_S, 2 + 2 * LONGEST_S] == [at for at, _ in world.sorts]


def test_what_only_a_person_can_mend_ends_it_at_the_start_and_not_later() -> None:
    with pytest.raises(LibraryError, match="no model"):
        watcher(_World(outcomes=[LASTING]), A)
    world = _World(outcomes=[DONE, LASTING])
    running = watcher(world, A)
    comes(world, A, 1)
    pass_time(world, running, EVERY_S)

    assert ["no model"] == world.said
