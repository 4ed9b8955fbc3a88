"""What a run reports while it works: a message, a stage with a bar; and one bar for a command of many stages.

`combined` joins stages into one bar with one time left. Each stage is planned with its cost; how long a unit
of cost takes is measured while the work goes on, apart for each kind of work, so that the time left after the first of
five folds already counts the other four.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Protocol, Self

from classifier.errors import Message

_STEADY_S = 1.0
"""A rate is shown from so many seconds on."""
_AT_ONCE = 0.05
"""What is done so soon after a stage began was done by an earlier run, and says nothing of how fast this one is."""


class Stage(Protocol):
    """One piece of long work under way."""

    def advance(self, count: int = 1) -> None:
        """`count` more units are done."""

    def note(self, text: Message) -> None:
        """What is being done just now: the loss, the folder; replaces the last note."""

    def follow(self, note: Callable[[], Message | None]) -> None:
        """Show what `note` gives, if anything; it is asked by the thread that shows the stage, each time."""


class Progress(Protocol):
    """Where a run reports to."""

    def say(self, message: Message) -> None:
        """One fact in a sentence: a choice and its reason, a result."""

    def detail(self, message: Message) -> None:
        """One fact that only who asks wants to know, such as what was chosen for this machine."""

    def stage(self, name: Message, *, total: int | None, unit: str) -> AbstractContextManager[Stage]:
        """Open a stage of `total` units (None when not known yet)."""


class SilentStage:
    """Reports to nobody."""

    def advance(self, count: int = 1) -> None:
        """Do nothing."""

    def note(self, text: Message) -> None:
        """Do nothing."""

    def follow(self, note: Callable[[], Message | None]) -> None:
        """Do nothing."""


class SilentProgress:
    """Reports to nobody: the library's default."""

    def say(self, message: Message) -> None:
        """Do nothing."""

    def detail(self, message: Message) -> None:
        """Do nothing."""

    def stage(self, name: Message, *, total: int | None, unit: str) -> AbstractContextManager[Stage]:  # noqa: ARG002
        """Return a stage that reports to nobody."""
        return nullcontext(SilentStage())


def percent_up(share: float) -> str:
    """In percent, rounded up to a tenth: a bound must not read better than it is."""
    return f"{math.ceil(share * 1000 - 1e-9) / 10:.1f}%"


class StageName(Message):
    """The name of a stage that is planned: `code` says which one it is, whatever it is called."""

    code: Hashable

    def __new__(cls, template: str, /, *, code: Hashable, **params: object) -> Self:  # noqa: D102 - the class says it
        name = super().__new__(cls, template, **params)
        name.code = code
        return name


@dataclass(slots=True, kw_only=True)
class StageCost:
    """A stage that will come: its code, what it costs in units that are the same for all, and the kind of its work.

    It takes at most `most_seconds`, where those are not 0.
    """

    code: Hashable
    cost: float
    kind: str
    most_seconds: float = 0.0
    done: float = 0.0


@contextmanager
def combined(
    progress: Progress, name: Message, pieces: Sequence[StageCost], *, clock: Callable[[], float] = time.monotonic
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
        self._pieces = {piece.code: piece for piece in pieces}
        self._clock = clock
        self._measured: dict[str, tuple[float, float]] = {}
        self._shown = 0

    def say(self, message: Message) -> None:
        """Say it above the one bar."""
        self._progress.say(message)

    def detail(self, message: Message) -> None:
        """Pass it on."""
        self._progress.detail(message)

    @contextmanager
    def stage(self, name: Message, *, total: int | None, unit: str) -> Iterator[Stage]:
        """A part of the one stage; leaving it, the piece is done, however much of it there was to do."""
        piece = self._pieces.get(name.code) if isinstance(name, StageName) else None
        piece = piece or StageCost(code=None, cost=0.0, kind="")
        part = _CombinedStage(self, name, piece, share=piece.cost / total if total else 0.0, unit=unit)
        part.show()
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

    def note(self, text: Message) -> None:
        left = self.seconds_left()
        if left is not None:
            duration = format_duration(left)
            text = Message("{text}; about {duration} left", text=text, duration=duration, seconds_left=left)
        self._stage.note(text)

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
    def __init__(self, whole: _CombinedProgress, name: Message, piece: StageCost, *, share: float, unit: str) -> None:
        self._whole = whole
        self._name = name
        self._piece = piece
        self._share = share
        self._unit = unit
        self._measured = 0
        self._since = self._began = whole.now()
        self._note: Message | None = None

    def advance(self, count: int = 1) -> None:
        now = self._whole.now()
        was_measured = now - self._began > _AT_ONCE
        self._measured += count if was_measured else 0
        self._whole.advance(self._piece, count * self._share, now - self._since if was_measured else None)
        self._since = now
        self.show()

    def note(self, text: Message) -> None:
        self._note = text
        self.show()

    def follow(self, note: Callable[[], Message | None]) -> None:
        """Not shown: the one note of the bar names its stage."""

    def show(self) -> None:
        name, note, seconds = self._name, self._note, self._since - self._began
        if self._unit == "picture" and self._measured and seconds >= _STEADY_S:
            name = Message("{name}, {rate:,.1f} pictures/s", name=name, rate=self._measured / seconds)
        self._whole.note(name if note is None else Message("{name}: {note}", name=name, note=note))


def format_duration(seconds: float) -> Message:
    """A time left as one reads it."""
    minutes = round(seconds / 60)
    if minutes >= 60:  # noqa: PLR2004 - in an hour
        return Message("{hours} h {minutes} min", hours=minutes // 60, minutes=minutes % 60)
    if minutes >= 1:
        return Message("{minutes} min", minutes=minutes)
    if seconds > 20:  # noqa: PLR2004 - a third of a minute
        return Message("a minute")
    return Message("{seconds} s", seconds=max(1, round(seconds)))
