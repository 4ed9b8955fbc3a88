"""Counts of what a walk found: images, and what was skipped and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from classifier.paths import displayable, to_text
from classifier.progress import counted
from classifier.reasons import Reason

_LATER = ("; it is taken once it is complete", "; they are taken once they are complete")
_MAX_LISTED = 10
_MAX_COMPLAINTS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedFolder:
    """A folder that was not entered because it is not part of the crawl, and what it is."""

    path: Path
    what: str


@dataclass(slots=True)
class WalkResult:
    """Counts of one walk, updated as it goes; every file and link, and every folder not entered, is in one count.

    `unfinished` are unfinished downloads; `system` are files and folders of the system (trash, thumbnails,
    AppleDouble); `excluded` are files and folders that the user excluded; `labels` are images left out because they are
    labels; `links` are symbolic links that were not followed; `specials` are pipes, sockets and devices; `unreadable`
    are folders and files that could not be read, all of them with the reason in `refused` and the first hundred as
    sentences in `complaints`; `left_out` are libraries, models and labels.
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
    refused: list[tuple[Path, Reason]] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    left_out: list[SkippedFolder] = field(default_factory=list)

    def refuse(self, path: str, error: OSError) -> None:
        """Count `path` as unreadable."""
        self.unreadable += 1
        self.refused.append((Path(path), Reason.of_system(error)))
        if len(self.complaints) < _MAX_COMPLAINTS:
            self.complaints.append(f"{path!r} cannot be read: {error.strerror or error}")

    def count_as_unfinished(self) -> None:
        """Count an image that was found as an unfinished download."""
        self.pictures -= 1
        self.unfinished += 1

    def sentences(self) -> list[str]:
        """What was skipped, in sentences; empty if nothing was."""
        counts = [
            (self.others, "file is not a picture", "files are not pictures"),
            (
                self.unfinished,
                f"unfinished download was passed over{_LATER[0]}",
                f"unfinished downloads were passed over{_LATER[1]}",
            ),
            (
                self.labels,
                "labeled picture stays where your labels name it",
                "labeled pictures stay where your labels name them",
            ),
            (self.links, "symbolic link was not followed", "symbolic links were not followed"),
            (self.specials, "pipe, socket or device was left alone", "pipes, sockets and devices were left alone"),
            (self.unreadable, "file or folder could not be read", "files and folders could not be read"),
        ]
        lines = [counted(count, one, many) for count, one, many in counts if count]
        return lines + self._passed_over() + self._left_out()

    def numbers(self) -> dict[str, Any]:
        """The counts for `--json` that a user may act on."""
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
        lines = [f"left out: {displayable(one.path)}: {one.what}" for one in self.left_out[:_MAX_LISTED]]
        more = len(self.left_out) - _MAX_LISTED
        return [*lines, f"left out: {more:,} more folders like these"] if more > 0 else lines
