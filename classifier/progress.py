"""What a run reports while it works: a message, a stage with a bar; and one bar for a command of many stages.

`combined` joins stages into one bar with one time left. Each stage is planned with its cost; how long a unit
of cost takes is measured while the work goes on, apart for each kind of work, so that the time left after the first of
five folds already counts the other four.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Protocol

_AT_ONCE = 0.05
"""What is done so soon after a stage began was done by an earlier run, and says nothing of how fast this one is."""


class Stage(Protocol):
    """One piece of long work under way."""

    def advance(self, count: int = 1) -> None:
        """`count` more units are done."""

    def note(self, text: str) -> None:
        """What is being done just now: the loss, the folder; replaces the last note."""


class Progress(Protocol):
    """Where a run reports to."""

    def say(self, message: str) -> None:
        """One fact in a sentence: a choice and its reason, a result."""

    def stage(self, name: str, *, total: int | None, unit: str) -> AbstractContextManager[Stage]:
        """Open a stage of `total` units (None when not known yet)."""


class SilentStage:
    """Reports to nobody."""

    def advance(self, count: int = 1) -> None:
        """Do nothing."""

    def note(self, text: str) -> None:
        """Do nothing."""


class SilentProgress:
    """Reports to nobody: the library's default."""

    def say(self, message: str) -> None:
        """Do nothing."""

    def stage(self, name: str, *, total: int | None, unit: str) -> AbstractContextManager[Stage]:  # noqa: ARG002
        """Return a stage that reports to nobody."""
        return nullcontext(SilentStage())


def counted(count: int, one: str, many: str = "") -> str:
    """A count with its noun, or noun and verb, as English has it: "1 picture", "1,200 pictures"."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def percent_up(share: float) -> str:
    """In percent, rounded up to a tenth: a bound must not read better than it is."""
    return f"{math.ceil(share * 1000 - 1e-9) / 10:.1f}%"


@dataclass(slots=True, kw_only=True)
class StageCost:
    """A stage that will come: its name, what it costs in units that are the same for all, and the kind of its work.

    It takes at most `most_seconds`, where those are not 0.
    """

    name: str
    cost: float
    kind: str
    most_seconds: float = 0.0
    done: float = 0.0


@contextmanager
def combined(
    progress: Progress, name: str, pieces: Sequence[StageCost], *, clock: Callable[[], float] = time.monotonic
) -> Iterator[Progress]:
    """A progress whose stages are parts of one stage of `progress`; a stage that is no piece shows its name there."""
    with progress.stage(name, total=max(1, round(sum(piece.cost for piece in pieces))), unit="") as stage:
        whole = _CombinedProgress(progress, stage, pieces, clock)
        yield whole
        whole.finish()


class _CombinedProgress:
    def __init__(
        self, progress: Progress, stage: Stage, pieces: Sequence[StageCost], clock: Callable[[], float]
    ) -> None:
        self._progress = progress
        self._stage = stage
        self._pieces = {piece.name: piece for piece in pieces}
        self._clock = clock
        self._measured: dict[str, tuple[float, float]] = {}
        self._shown = 0

    def say(self, message: str) -> None:
        """Say it above the one bar."""
        self._progress.say(message)

    @contextmanager
    def stage(self, name: str, *, total: int | None, unit: str) -> Iterator[Stage]:  # noqa: ARG002
        """A part of the one stage; leaving it, the piece is done, however much of it there was to do."""
        piece = self._pieces.get(name) or StageCost(name=name, cost=0.0, kind="")
        part = _CombinedStage(self, piece, share=piece.cost / total if total else 0.0)
        part.note("")
        yield part
        self.advance(piece, piece.cost - piece.done)

    def finish(self) -> None:
        """What was not needed after all is done too."""
        for piece in self._pieces.values():
            self.advance(piece, piece.cost - piece.done)

    def now(self) -> float:
        return self._clock()

    def advance(self, piece: StageCost, cost: float, seconds: float | None = None) -> None:
        """So much of a piece is done, in so many seconds where those were measured."""
        piece.done = min(piece.cost, piece.done + cost)
        if seconds is not None:
            spent, done = self._measured.get(piece.kind, (0.0, 0.0))
            self._measured[piece.kind] = spent + seconds, done + cost
        done = round(sum(one.done for one in self._pieces.values()))
        self._stage.advance(done - self._shown)
        self._shown = done

    def note(self, text: str) -> None:
        left = self.seconds_left()
        self._stage.note(text if left is None else f"{text}; about {format_duration(left)} left")

    def seconds_left(self) -> float | None:
        """How long what is left takes; None before anything was measured."""
        done = sum(done for _, done in self._measured.values())
        if not done:
            return None
        usual = sum(spent for spent, _ in self._measured.values()) / done
        return sum(self._left(piece, usual) for piece in self._pieces.values())

    def _left(self, piece: StageCost, usual: float) -> float:
        spent, done = self._measured.get(piece.kind, (0.0, 0.0))
        seconds = (piece.cost - piece.done) * (spent / done if done else usual)
        return min(seconds, piece.most_seconds) if piece.most_seconds else seconds


class _CombinedStage:
    def __init__(self, whole: _CombinedProgress, piece: StageCost, *, share: float) -> None:
        self._whole = whole
        self._piece = piece
        self._share = share
        self._since = self._began = whole.now()
        self._note = ""

    def advance(self, count: int = 1) -> None:
        now = self._whole.now()
        was_measured = now - self._began > _AT_ONCE
        self._whole.advance(self._piece, count * self._share, now - self._since if was_measured else None)
        self._since = now
        self.note(self._note)

    def note(self, text: str) -> None:
        self._note = text
        self._whole.note(f"{self._piece.name}: {text}" if text else self._piece.name)


def format_duration(seconds: float) -> str:
    """A time left as one reads it."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return "a minute" if seconds > 20 else f"{max(1, round(seconds))} s"  # noqa: PLR2004 - a third of one
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"  # noqa: PLR2004
