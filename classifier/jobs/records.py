"""One job: the command, where it stands and how it ended."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from types import NoneType
from typing import Any, Final

from classifier.i18n import Language

MOST_ATTEMPTS: Final = 2
"""How often a job is begun that is killed each time; after that, it has crashed."""
STOPPED_CODE: Final = 130
CRASHED_CODE: Final = 70
"""The exit code that is recorded for a bug, whose process ends with 1 as Python has it."""
NOT_BEGUN_CODE: Final = -1000
"""In place of an exit code: the job was taken from the queue before it began."""
_ALMOST, _REFUSED = 1, 2
_MOST: Final = 1e12
"""More than any number or time of a job; a file may say anything."""
_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "number": (int,),
    "step": (str,),
    "words": (list, tuple),
    "created": (int, float),
    "attempts": (int,),
    "started": (int, float, NoneType),
    "ended": (int, float, NoneType),
    "exit_code": (int, NoneType),
}


class JobState(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    ENDED = "ended"


class Outcome(StrEnum):
    """How a job ended, by its exit code."""

    DONE = "done"
    ALMOST = "done with failures"
    FAILED = "failed"
    STOPPED = "stopped"
    CRASHED = "crashed"
    NOT_BEGUN = "not begun"


_OUTCOMES: Final = {
    0: Outcome.DONE,
    _ALMOST: Outcome.ALMOST,
    _REFUSED: Outcome.FAILED,
    STOPPED_CODE: Outcome.STOPPED,
    NOT_BEGUN_CODE: Outcome.NOT_BEGUN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A command of illsort, as `words` after `illsort`; `step` is the name under which the page shows it.

    Times are seconds since the epoch. `attempts` counts how often it was begun.
    """

    number: int
    step: str
    words: tuple[str, ...]
    language: Language
    created: float
    state: JobState = JobState.QUEUED
    attempts: int = 0
    started: float | None = None
    ended: float | None = None
    exit_code: int | None = None

    @property
    def outcome(self) -> Outcome | None:
        """How it ended; None before it has."""
        return None if self.exit_code is None else _OUTCOMES.get(self.exit_code, Outcome.CRASHED)

    @property
    def is_good(self) -> bool:
        """Whether it ended, and what is queued behind it may begin."""
        return self.outcome in {Outcome.DONE, Outcome.ALMOST}

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Job:
        """The job that `as_dict` describes. Raises ValueError, TypeError or KeyError for anything else."""
        for name, types in _TYPES.items():
            if name in values:
                _check(values[name], types)
        words = tuple(values["words"])
        if not all(isinstance(word, str) for word in words):
            raise TypeError("words of a command are text")
        return cls(
            **values | {"words": words, "state": JobState(values["state"]), "language": Language(values["language"])}
        )


def _check(value: object, types: tuple[type, ...]) -> None:
    """Raises TypeError or ValueError. The type is compared itself: True is no number."""
    if type(value) not in types:
        raise TypeError("not the type of this field")
    if isinstance(value, int | float) and not abs(value) < _MOST:  # nor is it NaN
        raise ValueError("no such number")
