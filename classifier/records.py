"""The records that travel: one frozen type per stage, of stdlib types only, so they cross processes and machines."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, NewType

if TYPE_CHECKING:
    import os

    from classifier.reasons import Reason

ImageId = NewType("ImageId", str)
"""SHA-256 of the file's content, 64 hex digits: the image's name for life. Paths change, ids do not."""


class FailureKind(StrEnum):
    """Why an image could not be read; the value is what `_broken.csv` and `illsort status` show."""

    EMPTY = "empty"
    NOT_AN_IMAGE = "not a picture"
    UNSUPPORTED = "unsupported format"
    CORRUPT = "corrupt"
    TOO_LARGE = "too large"
    UNREADABLE = "cannot be opened"
    VANISHED = "vanished"
    TIMEOUT = "took too long"
    CRASHED = "crashed the decoder"
    MEMORY = "out of memory"

    @property
    def is_passing(self) -> bool:
        """Whether the same bytes may well be read another time, so that the next run tries again."""
        return self in _PASSING

    @property
    def is_of_content(self) -> bool:
        """Whether it lies in the bytes alone: not in the packages, limits or state of the machine that read them."""
        return self in _OF_CONTENT


_HALF = 1 << 63
_PASSING = frozenset(
    {FailureKind.UNREADABLE, FailureKind.VANISHED, FailureKind.TIMEOUT, FailureKind.CRASHED, FailureKind.MEMORY}
)
_OF_CONTENT = frozenset({FailureKind.EMPTY, FailureKind.NOT_AN_IMAGE, FailureKind.CORRUPT})


class Mode(StrEnum):
    """How an image gets from the crawl into the library; only MOVE changes the crawl."""

    LINK = "link"
    COPY = "copy"
    MOVE = "move"
    SYMLINK = "symlink"


class Duplicates(StrEnum):
    """What a sort does with the copies of an image: files each by itself, or only the best one of them.

    With FOLDER the others are filed into `_duplicates`, with BEST they stay in the crawl.
    """

    KEEP = "keep"
    BEST = "best"
    FOLDER = "folder"


class Action(StrEnum):
    """What is done with an image that could be read; DUPLICATE is a copy of another one, which is filed."""

    FILE = "file"
    REVIEW = "review"
    UNKNOWN = "unknown"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFile:
    """A file that is or claims to be an image, as the file system showed it."""

    path: Path
    size_bytes: int
    mtime_ns: int
    inode: int
    device: int


def time_of(status: os.stat_result) -> int:
    """When a file was changed, in nanoseconds, as it is stored and compared: equal or not; it gives no order.

    File systems hold years up to 60056; 64 bits of nanoseconds, SQLite's integers, hold 1677 to 2262. Beyond that the
    number wraps around: every time within those years stays itself, and two that wrap still differ.
    """
    return (status.st_mtime_ns + _HALF) % (2 * _HALF) - _HALF


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why one image could not be read: a kind to count by, and what exactly was wrong."""

    kind: FailureKind
    detail: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageInfo:
    """Content that could be decoded; `truncated` when only a part of it was there.

    `look` is what `images.look` makes of it, where that was asked for.
    """

    id: ImageId
    size_bytes: int
    width: int
    height: int
    truncated: bool
    look: bytes = b""


class Selection(StrEnum):
    """How an image was selected for labeling. Only RANDOM images are evidence for an error rate.

    RANDOM: drawn at random from all images, and the whole draw was answered. FILED: drawn at random from the images
    that a model had filed (an audit), so it shows nothing about the others. PERSON: selected by a person, or unknown.
    MODEL: selected by a model, the most or the least confident first. GRID: accepted in a grid of similar images.
    CHANCE: asked in an order that nobody chose; RANDOM as far as that order was answered (`labels.random_draw`).
    FITTED: any of these, but the backbone was fitted to it, or may have been.
    """

    RANDOM = "random"
    FILED = "filed"
    PERSON = "person"
    MODEL = "model"
    GRID = "grid"
    CHANCE = "chance"
    FITTED = "fitted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What a person says a file shows; the category is empty where it is none of them."""

    path: Path
    category: str
    selection: Selection = Selection.PERSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A labeled image that could be read, with what the split needs.

    `look` is what `images.look` makes of it, by which near-duplicates are found; without one, it has none. `size` is
    its width and height.
    """

    label: Label
    image_id: ImageId
    look: bytes = b""
    size: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Labeled images split into those to fit to and those held out to select and calibrate by."""

    train: tuple[Example, ...]
    validation: tuple[Example, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is to be done with one image, and why.

    `category` is where it is filed, or else the best guess; `confidence` is its calibrated probability, 0..1;
    of a copy both are those of its best.
    """

    image_id: ImageId
    action: Action
    category: str
    confidence: float
    reason: Reason


class Method(StrEnum):
    """How one file came to its place; RENAME moves what is already in the library from one folder to another.

    Only undo uses the last two: REMOVE takes away a link or copy of ours, RESTORE moves a file back out of the library.
    """

    LINK = "link"
    COPY = "copy"
    MOVE = "move"
    SYMLINK = "symlink"
    RENAME = "rename"
    REMOVE = "remove"
    RESTORE = "restore"


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One change of the user's files, before it is made.

    `source` as the scan saw it (a file of the crawl, or of the library when `method` is RENAME, REMOVE or RESTORE);
    `folder` is the target folder inside the library, or absolute; `names` are the names to try there, best first: a
    taken one is never replaced. REMOVE takes `source` away because the same is, and stays, at its one target.
    `undoes` is the id of the change that this one takes back. `beside` makes `source` a sidecar of that image;
    `image_id` is the hash of its own content then.
    """

    image_id: ImageId
    source: ImageFile
    folder: Path
    names: tuple[str, ...]
    method: Method
    undoes: int | None = None
    beside: ImageId | None = None


class AnnotationKind(StrEnum):
    """The answer of a person about an image in one category; the last two are no answer about the image itself.

    RIGHT puts it into that category, WRONG only says that it is not of it, NONE that it is of no category at all.
    """

    RIGHT = "right"
    WRONG = "wrong"
    NONE = "none of these"
    SKIPPED = "skipped"
    TAKEN_BACK = "taken back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """What a person said about one image; never overwritten, only followed by a later one.

    `category` is the category it is about, None if there is none; `origin` is where it was made, such as "audit" or
    "review"; `audit` is the number of the audit; `at` is in UTC, ISO 8601, for display: the order is that of `id`,
    which is 0 before it is stored. `step` is the number of its step on the review page, None elsewhere. `selection` is
    how the image was selected for it; None in annotations of earlier versions.
    """

    image_id: ImageId
    kind: AnnotationKind
    category: str | None
    origin: str
    at: str
    audit: int | None = None
    id: int = 0
    step: int | None = None
    selection: Selection | None = None
