"""What became of the rows of files of decisions, in numbers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(kw_only=True)
class Tally:
    """What became of the rows of files: `categories` of those filed, `failures` by kind."""

    pictures: int = 0
    actions: Counter[str] = field(default_factory=Counter)
    categories: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        """Count those of another one too."""
        self.pictures += other.pictures
        self.actions += other.actions
        self.categories += other.categories
        self.failures += other.failures

    def as_dict(self) -> dict[str, Any]:
        """For JSON; `from_dict` reads it."""
        counts = {"actions": self.actions, "categories": self.categories, "failures": self.failures}
        return {"pictures": self.pictures} | {name: dict(sorted(count.items())) for name, count in counts.items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Tally:
        """What `as_dict` gave."""
        counts = {name: Counter(values[name]) for name in ("actions", "categories", "failures")}
        return cls(pictures=values["pictures"], **counts)
