"""Counts of what a walk found: images, and what was skipped and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifier.errors import Counted, Message, message_of
from classifier.images.formats import OtherKind
from classifier.paths import displayable, to_text
from classifier.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MAX_LISTED = 10
_MAX_COMPLAINTS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedFolder:
    """A folder that was not entered because it is not part of the crawl, and what it is."""

    path: Path
    what: str


def left_where_they_are(numbers: Mapping[str, Any]) -> list[Message]:
    """How many videos, Ugoira and archives there are, by `WalkResult.numbers`, in one message; none where none are."""
    videos, ugoira, archives = (numbers.get(kind.value, 0) for kind in OtherKind)
    counts = [
        Counted("{count:,} video", "{count:,} videos", count=videos),
        Counted("{count:,} Ugoira archive", "{count:,} Ugoira archives", count=ugoira),
        Counted("{count:,} other archive", "{count:,} other archives", count=archives)
        if ugoira
        else Counted("{count:,} archive", "{count:,} archives", count=archives),
    ]
    some: list[Message] = [message for message in counts if message.params["count"]]
    if not some:
        return []
    what = reduce(lambda first, then: Message("{first}, {then}", first=first, then=then), some)
    return [Message("not pictures, left where they are: {what}", what=what)]


@dataclass(slots=True)
class WalkResult:
    """Counts of one walk, updated as it goes; every file and link, and every folder not entered, is in one count.

    `videos`, `ugoira` and `archives` are no pictures, as `others` are, but come with pictures; `unfinished` are
    unfinished downloads; `system` are files and folders of the system (trash, thumbnails, AppleDouble); `excluded`
    are files and folders that the user excluded; `labels` are images left out because they are labels; `links` are
    symbolic links that were not followed; `specials` are pipes, sockets and devices; `unreadable` are folders and
    files that could not be read, all of them with the reason in `refused` and the first hundred as sentences in
    `complaints`; `left_out` are libraries, models and labels.
    """

    pictures: int = 0
    others: int = 0
    videos: int = 0
    ugoira: int = 0
    archives: int = 0
    unfinished: int = 0
    system: int = 0
    excluded: int = 0
    labels: int = 0
    links: int = 0
    specials: int = 0
    unreadable: int = 0
    refused: list[tuple[Path, Reason]] = field(default_factory=list)
    complaints: list[Message] = field(default_factory=list)
    left_out: list[SkippedFolder] = field(default_factory=list)

    def refuse(self, path: str, error: OSError) -> None:
        """Count `path` as unreadable."""
        self.unreadable += 1
        self.refused.append((Path(path), Reason.of_system(error)))
        if len(self.complaints) < _MAX_COMPLAINTS:
            self.complaints.append(Message("{path!r} cannot be read: {why}", path=path, why=message_of(error)))

    def count_other(self, kind: OtherKind | None) -> None:
        """Count a file that is no picture."""
        match kind:
            case OtherKind.VIDEO:
                self.videos += 1
            case OtherKind.UGOIRA:
                self.ugoira += 1
            case OtherKind.ARCHIVE:
                self.archives += 1
            case None:
                self.others += 1

    def count_as_unfinished(self) -> None:
        """Count an image that was found as an unfinished download."""
        self.pictures -= 1
        self.unfinished += 1

    def sentences(self) -> list[Message]:
        """What was skipped, in sentences; empty if nothing was."""
        counts = [
            Counted("{count:,} file is not a picture", "{count:,} files are not pictures", count=self.others),
            Counted(
                "{count:,} unfinished download was passed over; it is taken once it is complete",
                "{count:,} unfinished downloads were passed over; they are taken once they are complete",
                count=self.unfinished,
            ),
            Counted(
                "{count:,} labeled picture stays where your labels name it",
                "{count:,} labeled pictures stay where your labels name them",
                count=self.labels,
            ),
            Counted(
                "{count:,} symbolic link was not followed",
                "{count:,} symbolic links were not followed",
                count=self.links,
            ),
            Counted(
                "{count:,} pipe, socket or device was left alone",
                "{count:,} pipes, sockets and devices were left alone",
                count=self.specials,
            ),
            Counted(
                "{count:,} file or folder could not be read",
                "{count:,} files and folders could not be read",
                count=self.unreadable,
            ),
        ]
        some = (message for message in counts if message.params["count"])
        return [*some, *left_where_they_are(self.numbers()), *self._passed_over(), *self._left_out()]

    def numbers(self) -> dict[str, Any]:
        """The counts for `--json` that a user may act on."""
        return {
            **{kind.value: getattr(self, kind.value) for kind in OtherKind},
            "unfinished": self.unfinished,
            "system": self.system,
            "excluded": self.excluded,
            "labels": self.labels,
            "unreadable": self.unreadable,
            "left_out": [{"path": to_text(one.path), "what": one.what} for one in self.left_out],
        }

    def _passed_over(self) -> Iterator[Message]:
        system = Message("{count:,} of the system (trash, thumbnails and the like)", count=self.system)
        excluded = Message("{count:,} excluded by you", count=self.excluded)
        if self.system and self.excluded:
            yield Message("passed over: {system} and {excluded}", system=system, excluded=excluded)
        elif self.system or self.excluded:
            yield Message("passed over: {what}", what=system if self.system else excluded)

    def _left_out(self) -> Iterator[Message]:
        for one in self.left_out[:_MAX_LISTED]:
            yield Message("left out: {path}: {what}", path=displayable(one.path), what=one.what)
        if (more := len(self.left_out) - _MAX_LISTED) > 0:
            yield Message("left out: {more:,} more folders like these", more=more)
