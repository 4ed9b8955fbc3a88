"""What became of one move; must not know how it was made."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.records import Method, Move


class Status(StrEnum):
    """How a move ended; only PLACED changed anything, and DUPLICATE left the source where it was."""

    PLACED = "placed"
    DUPLICATE = "duplicate"  # the same content lies there already: a MOVE keeps its source
    CHANGED = "changed"
    GONE = "gone"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one move ended.

    `path` is where the picture lies, within the library, for PLACED and DUPLICATE. `method` is how it got there: COPY
    where LINK was asked for and the disk cannot. `reason` says in words why not, or what is to be known.
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


def words(error: OSError) -> str:
    """What the system says, without numbers and paths."""
    return error.strerror or str(error)
