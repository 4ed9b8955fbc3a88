"""What a run waited for is measured and said at its end."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest

from classifier.inference.stopwatch import Stopwatch
from kit.progress import SavingProgress


class Clock:
    """Goes when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


def run(*, read: float, network: float, filing: float, batches: int) -> str | None:
    clock = Clock()
    watch = Stopwatch(clock)

    def reading() -> Iterator[int]:
        for number in range(batches):
            clock.now += read
            yield number

    def results() -> Iterator[int]:
        for number in watch.reading(reading()):
            clock.now += network
            yield number

    for _ in watch.results(results()):
        clock.now += filing
    return watch.summary()


def test_a_run_says_what_it_waited_for() -> None:
    said = run(read=5, network=3, filing=2, batches=10)

    assert (
        "Where the time went: 50% waiting for pictures to be read and decoded, 30% the network, "
        "20% the catalog and the disk."
    ) == said


def test_a_training_says_how_long_it_waited_for_pictures() -> None:
    """It reads one sequence after another, and all that it does between two pictures is computing."""
    clock = Clock()
    watch, progress = Stopwatch(clock), SavingProgress()

    def reading() -> Iterator[int]:
        for number in range(5):
            clock.now += 3
            yield number

    for _ in range(2):
        for _ in watch.reading(reading()):
            clock.now += 2
        clock.now += 5
    watch.report(progress)

    assert ["Where the time went: 50% waiting for pictures to be read and decoded, 50% computing."] == progress.messages


def test_a_short_run_says_nothing_of_it() -> None:
    assert run(read=0.5, network=0.3, filing=0.2, batches=10) is None


class Waiting:
    """A run in which `reading`, `network` and `filing` take so many seconds each time, and what its bar shows."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.watch = Stopwatch(self.clock)
        self.shown: list[str] = []
        self.spent = {"reading": 0.0, "network": 0.0, "filing": 0.0}
        self._results = self.watch.results(self._computed())

    def _spend(self, what: str) -> None:
        """The seconds, one after another: each is seen by what draws the bar."""
        for _ in range(round(self.spent[what] / 0.5)):
            self.clock.now += 0.5
            self.shown.append(self.watch.waits_for() or "")

    def _read(self) -> Iterator[int]:
        while True:
            self._spend("reading")
            yield 1

    def _computed(self) -> Iterator[int]:
        for batch in self.watch.reading(self._read()):
            self._spend("network")
            yield batch

    def run(self, *, seconds: float, reading: float = 0, network: float = 0, filing: float = 0) -> list[str]:
        """What the bar shows meanwhile, each half second."""
        self.spent = {"reading": reading, "network": network, "filing": filing}
        until, first = self.clock.now + seconds, len(self.shown)
        while self.clock.now < until:
            next(self._results)
            self._spend("filing")
        return self.shown[first:]


@pytest.mark.parametrize(
    ("spent", "note"),
    [
        ({"reading": 2.0, "network": 1.0, "filing": 0.5}, "waits for reading"),
        ({"reading": 0.5, "network": 3.0, "filing": 1.0}, "waits for the model"),
        ({"reading": 0.5, "network": 0.5, "filing": 1.5}, "waits for the disk"),
        ({"reading": 1.0, "network": 1.0, "filing": 1.0}, ""),
    ],
)
def test_a_run_shows_what_took_most_of_the_last_seconds(spent: dict[str, float], note: str) -> None:
    shown = Waiting().run(seconds=60, **spent)

    assert {note} == set(shown[20:])


def test_nothing_is_shown_before_ten_seconds_have_passed() -> None:
    shown = Waiting().run(seconds=15, reading=1)

    assert [""] * 19 == shown[:19]
    assert "waits for reading" == shown[19]


def test_what_a_run_waits_for_is_that_of_lately() -> None:
    """After a minute of reading, ten seconds of writing are what counts."""
    run = Waiting()
    run.run(seconds=60, reading=1)
    shown = run.run(seconds=20, filing=1)

    assert ["waits for reading"] * 10 == shown[:10]
    assert "waits for the disk" == shown[10]
    assert {"waits for the disk"} == set(shown[10:])


def test_a_wait_that_goes_on_is_shown_before_it_ends() -> None:
    """As of a drive that answers no more: no result comes, and the bar is drawn all the same."""
    run = Waiting()
    run.run(seconds=30, network=1)
    shown = run.run(seconds=1, reading=60)

    assert "waits for the model" == shown[0]
    assert "waits for reading" == shown[10]


def test_what_is_shown_stays_for_some_seconds() -> None:
    run = Waiting()
    shown = [note for _ in range(20) for what in ("reading", "filing") for note in run.run(seconds=7, **{what: 0.5})]
    changes = [number for number, (one, other) in enumerate(pairwise(shown)) if one != other]

    assert len(changes) > 10
    assert min(other - one for one, other in pairwise(changes)) >= 10  # halves of a second


def test_a_bar_that_is_drawn_seldom_counts_all_since_it_was_drawn() -> None:
    """Where stderr is no terminal, a line comes every half minute."""
    clock = Clock()
    watch = Stopwatch(clock)
    reading = watch.reading(iter([1, 2]))
    results = watch.results(reading)
    next(results)
    clock.now += 18
    results.close()

    assert "waits for the disk" == watch.waits_for()
    assert "waits for the disk" == watch.waits_for()


def test_the_last_seconds_do_not_grow_with_the_run() -> None:
    run = Waiting()
    run.run(seconds=2000, reading=1)

    assert len(run.watch._recent) < 30


def test_a_note_goes_when_nothing_takes_most_any_more() -> None:
    run = Waiting()
    run.run(seconds=30, reading=1)
    shown = run.run(seconds=60, reading=1, network=1.5, filing=1.5)

    assert "" == shown[-1]
