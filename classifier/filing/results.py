"""How moves end: the outcome of each one, and the state of a batch in progress."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from classifier.catalog.moves import MoveRecord, MoveState
from classifier.catalog.values import to_path
from classifier.errors import Message, message_of
from classifier.filing.disk_errors import is_disk_failure
from classifier.records import Method

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from classifier.filing.plan import PlannedStep
    from classifier.records import Move


class Status(StrEnum):
    """How a move ended; only PLACED changed anything, and DUPLICATE left the source where it was."""

    PLACED = "placed"
    DUPLICATE = "duplicate"  # the same content is there already: a MOVE keeps its source
    CHANGED = "changed"
    GONE = "gone"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one move ended.

    `path` is where the image is, within the library, for PLACED and DUPLICATE. `method` is how it got there: COPY if a
    LINK was requested that the disk does not support. `reason` is why it failed, or a remark.
    """

    move: Move
    status: Status
    path: Path | None = None
    method: Method | None = None
    reason: str = ""


class MoveSkipped(Exception):  # noqa: N818 - a fact about one move, not an error
    """The move ended without a change."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome)
        self.outcome = outcome


_T = TypeVar("_T")
_STATES = {
    Status.PLACED: MoveState.ADOPTED,
    Status.DUPLICATE: MoveState.ADOPTED,
    Status.CHANGED: MoveState.CHANGED,
    Status.GONE: MoveState.GONE,
    Status.FAILED: MoveState.FAILED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveResult:
    """A move as it ended: its row; its outcome unless it was not begun; the step if it changed the disk."""

    entry: MoveRecord
    outcome: Outcome | None = None
    step: PlannedStep | None = None


@dataclass(kw_only=True)
class BatchState:
    """The results by id of the row. A row during which the disk failed has none: recovery settles it."""

    ended: dict[int, MoveResult] = field(default_factory=dict)
    stopped: OSError | None = None
    left_open: set[int] = field(default_factory=set)

    def is_open(self, step: PlannedStep) -> bool:
        """Whether the step can continue."""
        return step.entry.id not in self.ended and step.entry.id not in self.left_open

    def attempt(self, step: PlannedStep, part: Callable[[], _T]) -> _T | None:
        """The result of one part of a step; None if it failed, which is recorded as the end of the step."""
        try:
            return part()
        except MoveSkipped as left:
            self.leave(step.entry, left.outcome)
        except OSError as error:
            if is_disk_failure(error):
                self.reopen(step, error)
            else:
                self.leave(step.entry, _failed(step, error))
        return None

    def reopen(self, step: PlannedStep, error: OSError) -> None:
        """The disk failed during the step: recovery settles it."""
        self.stopped = error
        self.ended.pop(step.entry.id, None)
        self.left_open.add(step.entry.id)

    def leave(self, entry: MoveRecord, outcome: Outcome) -> None:
        """The move ended without a change."""
        entry = replace(entry, state=_STATES[outcome.status], note=outcome.reason)
        self.ended[entry.id] = MoveResult(entry=entry, outcome=outcome)

    def cancel(self, step: PlannedStep) -> None:
        """The move was not begun, because the disk had failed before."""
        self.ended[step.entry.id] = MoveResult(entry=replace(step.entry, state=MoveState.CANCELLED))

    def place(self, step: PlannedStep, *, note: str = "") -> None:
        """The image is where the step puts it."""
        within = to_path(step.entry.target or b"")
        outcome = Outcome(move=step.move, status=Status.PLACED, path=within, method=step.entry.method, reason=note)
        entry = replace(step.entry, state=MoveState.DONE, note=note)
        self.ended[entry.id] = MoveResult(entry=entry, outcome=outcome, step=step)

    def keep_source(self, step: PlannedStep, why: str) -> None:
        """The image was to be moved, but was only copied."""
        step = replace(step, entry=replace(step.entry, method=Method.COPY))
        self.place(step, note=kept_source(why))


def kept_source(why: str) -> Message:
    """The message that an image was to be moved, but was only copied."""
    return Message("copied, but the original stays: {why}", why=why)


def _failed(step: PlannedStep, error: OSError) -> Outcome:
    if isinstance(error, FileNotFoundError) and not os.path.lexists(step.move.source.path):
        return Outcome(move=step.move, status=Status.GONE, reason=Message("it is no longer there"))
    return Outcome(move=step.move, status=Status.FAILED, reason=message_of(error))
