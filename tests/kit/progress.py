"""A progress that keeps what is reported."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from classifier.errors import Message
from classifier.progress import Stage


@dataclass
class SavedStage:
    """A stage as it was reported."""

    name: str
    total: int | None
    done: int = 0
    notes: list[str] = field(default_factory=list)
    followed: list[Callable[[], Message | None]] = field(default_factory=list)

    def advance(self, count: int = 1) -> None:
        """Count."""
        self.done += count

    def note(self, text: Message) -> None:
        """Keep the note in English."""
        self.notes.append(str(text))

    def follow(self, note: Callable[[], Message | None]) -> None:
        """Keep what gives notes."""
        self.followed.append(note)


@dataclass
class SavingProgress:
    """Keeps the messages, so that a test can assert on events instead of captured text."""

    messages: list[str] = field(default_factory=list)
    details: list[str] = field(default_factory=list)
    stages: list[SavedStage] = field(default_factory=list)

    def say(self, message: Message) -> None:
        """Keep the message in English."""
        self.messages.append(str(message))

    def detail(self, message: Message) -> None:
        """Keep the detail in English."""
        self.details.append(str(message))

    def stage(self, name: Message, *, total: int | None, unit: str) -> AbstractContextManager[Stage]:  # noqa: ARG002
        """Keep the stage."""
        saved = SavedStage(name=str(name), total=total)
        self.stages.append(saved)
        return nullcontext(saved)
