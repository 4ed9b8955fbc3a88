"""What one walk of a folder met, counted: pictures, and what was passed over and why. Opens nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from classifier.paths import displayable, to_text

_MOST_TOLD = 10
_MOST_COMPLAINTS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A folder that was not entered because it is not part of the crawl, and what it is."""

    path: Path
    what: str


@dataclass(slots=True)
class Found:
    """What one walk met, counted as it goes; every file and link, and every folder not entered, is in one count.

    `unfinished` are downloads that go on; `system` are files and folders of systems (trash, thumbnails, AppleDouble);
    `excluded` are files and folders that the person excluded; `labels` are pictures that stay because they are labels,
    where that was asked for; `links` are symbolic links that were not followed;
    `specials` are pipes, sockets and devices; `unreadable` are folders and files that the system refused to show, all
    of them with the reason in `refused`; `complaints` is a sentence for each of the first hundred; `left_out` are
    libraries, models and labels.
    """

    pictures: int = 0
    others: int = 0
    unfinished: int = 0
    system: int = 0
    excluded: int = 0
    labels: int = 0
    links: int = 0
    specials: int = 0
    unreadable: int = 0
    refused: list[tuple[Path, str]] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)

    def refuse(self, path: str, error: OSError) -> None:
        """Count `path` as one the system would not show."""
        self.unreadable += 1
        self.refused.append((Path(path), error.strerror or str(error)))
        if len(self.complaints) < _MOST_COMPLAINTS:
            self.complaints.append(f"{path!r} cannot be read: {error.strerror or error}")

    def postpone(self) -> None:
        """Count a picture as an unfinished download after all."""
        self.pictures -= 1
        self.unfinished += 1

    def sentences(self) -> list[str]:
        """What was passed over, for a person; empty when nothing was."""
        counted = [
            (self.others, "files are not pictures"),
            (self.unfinished, "unfinished downloads were passed over; they are taken once they are complete"),
            (self.labels, "labelled pictures stay where your labels name them"),
            (self.links, "symbolic links were not followed"),
            (self.specials, "pipes, sockets and devices were left alone"),
            (self.unreadable, "files and folders could not be read"),
        ]
        lines = [f"{count:,} {what}" for count, what in counted if count]
        return lines + self._passed_over() + self._left_out()

    def numbers(self) -> dict[str, Any]:
        """The same for JSON: what a person may want to act on."""
        return {
            "unfinished": self.unfinished,
            "system": self.system,
            "excluded": self.excluded,
            "labels": self.labels,
            "unreadable": self.unreadable,
            "left_out": [{"path": to_text(one.path), "what": one.what} for one in self.left_out],
        }

    def _passed_over(self) -> list[str]:
        parts = [f"{self.system:,} of the system (trash, thumbnails and the like)"] if self.system else []
        parts += [f"{self.excluded:,} excluded by you"] if self.excluded else []
        return [f"passed over: {' and '.join(parts)}"] if parts else []

    def _left_out(self) -> list[str]:
        lines = [f"left out: {displayable(one.path)}: {one.what}" for one in self.left_out[:_MOST_TOLD]]
        more = len(self.left_out) - _MOST_TOLD
        return [*lines, f"left out: {more:,} more folders like these"] if more > 0 else lines
