"""What a probe found: a fact by a stable code, how bad it is, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from classifier.errors import Message


class Level(StrEnum):
    """OK: as it should be; HINT: works, and could be better; PROBLEM: something will not work."""

    OK = "ok"
    HINT = "hint"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`code` stays the same between versions and languages; several findings may have one, as of several disks."""

    code: str
    level: Level
    message: Message
    remedy: Message | None = None

    @property
    def is_problem(self) -> bool:
        """Whether something will not work."""
        return self.level is Level.PROBLEM

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"code": self.code, "level": self.level, "message": self.message, "remedy": self.remedy}


def ok(code: str, message: Message) -> Finding:
    """As it should be."""
    return Finding(code=code, level=Level.OK, message=message)


def hint(code: str, message: Message, remedy: Message) -> Finding:
    """It works, and could be better."""
    return Finding(code=code, level=Level.HINT, message=message, remedy=remedy)


def problem(code: str, message: Message, remedy: Message) -> Finding:
    """Something will not work."""
    return Finding(code=code, level=Level.PROBLEM, message=message, remedy=remedy)
