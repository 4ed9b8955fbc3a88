"""What a run reports while it works; knows no terminal: silent and saving versions here, tqdm's in cli/."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Protocol


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


@dataclass
class SavedStage:
    """A stage as it was reported."""

    name: str
    total: int | None
    done: int = 0
    notes: list[str] = field(default_factory=list)

    def advance(self, count: int = 1) -> None:
        """Count."""
        self.done += count

    def note(self, text: str) -> None:
        """Keep the note."""
        self.notes.append(text)


@dataclass
class SavingProgress:
    """Keeps what was said, so that a test can assert on events instead of captured text."""

    said: list[str] = field(default_factory=list)
    stages: list[SavedStage] = field(default_factory=list)

    def say(self, message: str) -> None:
        """Keep the message."""
        self.said.append(message)

    def stage(self, name: str, *, total: int | None, unit: str) -> AbstractContextManager[Stage]:  # noqa: ARG002
        """Keep the stage."""
        saved = SavedStage(name=name, total=total)
        self.stages.append(saved)
        return nullcontext(saved)


def counted(count: int, one: str, many: str = "") -> str:
    """A count with its noun, or noun and verb, as English has it: "1 picture", "1,200 pictures"."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
