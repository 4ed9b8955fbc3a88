"""What a run waited for is measured and said at its end."""

from __future__ import annotations

from collections.abc import Iterator

from classifier.inference.stopwatch import Stopwatch


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

    assert "Where the time went: 50% waiting for pictures to be read, 30% the network, 20% filing." == said


def test_a_short_run_says_nothing_of_it() -> None:
    assert run(read=0.5, network=0.3, filing=0.2, batches=10) is None
