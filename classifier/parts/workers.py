"""What runs predictors, whatever that is, and what it says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

from classifier.errors import Message

if TYPE_CHECKING:
    from classifier.parts.predictor import PartReport


@dataclass(frozen=True, slots=True)
class Ready:
    """A worker has started and waits for a part."""

    worker: int


@dataclass(frozen=True, slots=True)
class Advanced:
    """A worker has done so many pictures of its part."""

    worker: int
    pictures: int


@dataclass(frozen=True, slots=True)
class Answered:
    """A worker has put the file of its part in place, and waits for another."""

    worker: int
    report: PartReport


@dataclass(frozen=True, slots=True)
class Failed:
    """A worker could not do its part, and waits for another."""

    worker: int
    why: Message


@dataclass(frozen=True, slots=True)
class Lost:
    """A worker has died."""

    worker: int
    why: Message


@dataclass(frozen=True, slots=True)
class Refused:
    """A worker cannot do any part: the model is not there, or its machine computes otherwise."""

    worker: int
    why: Message


Event: TypeAlias = Ready | Advanced | Answered | Failed | Lost | Refused


class Workers(Protocol):
    """What runs predictors, each known by a number."""

    @property
    def most(self) -> int:
        """How many there may be at a time."""

    @property
    def start_s(self) -> float:
        """How long none may be ready before it is no use to wait."""

    @property
    def stalled_s(self) -> float:
        """How long a worker may be at its part without a picture done."""

    def start(self) -> int:
        """Begin to start one more."""

    def give(self, worker: int, part: int) -> None:
        """Have a worker that waits do a part; if it has died, `events` says so."""

    def events(self, timeout_s: float) -> Sequence[Event]:
        """What happened, in order for each worker; waits up to `timeout_s` for anything to happen."""

    def stop(self, worker: int) -> None:
        """Kill a worker, of which no event comes any more; one that has died already is none."""
