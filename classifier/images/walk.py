"""Walks a folder and yields every image, by extension or first bytes; counts what it skips and why."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from classifier.errors import Message
from classifier.exclude import NOTHING, Exclude
from classifier.images.formats import HEAD_BYTES, claims_to_be_image, other_kind, sniff
from classifier.images.ignored_files import (
    is_control_file,
    is_system_file,
    is_system_folder,
    is_unfinished,
    may_be_apple_double,
    may_be_unfinished_folder,
)
from classifier.images.safe_open import image_file, open_regular
from classifier.images.walk_result import SkippedFolder, WalkResult

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Mapping

    from classifier.records import ImageFile


STATE_FOLDER: Final = ".illsort"
_MARKERS: Final = {
    STATE_FOLDER: Message("an illsort library or labels folder"),
    "illsort.json": Message("an illsort model"),
}


def find_images(
    root: Path,
    *,
    skip: Collection[Path] = (),
    leave_out: Mapping[Path, str] | None = None,
    labels: Container[str] = frozenset(),
    exclude: Exclude = NOTHING,
    follow_links: bool = False,
    also: Container[str] = frozenset(),
    found: WalkResult | None = None,
    is_stopped: Callable[[], bool] | None = None,
) -> Iterator[ImageFile]:
    """Every image under `root`, by extension or first bytes, always in the same order.

    A folder's files come first, by name, then its folders, by name. Folders in `skip` (compared by inode, not by name)
    and folders named `.illsort` are not entered, nor are those in `leave_out` (with a description of each) and other
    libraries and models, which are listed in `found`. The files in `labels` are only counted. With `follow_links`, a
    link to a file counts as that file; a link to a folder is never followed. Files with an extension in `also` are
    yielded in their place, uncounted. `found` counts as the walk goes. `is_stopped` is asked before each folder and
    file: once it says so, the walk ends.

    Raises:
        OSError: `root` itself cannot be listed.

    """
    walk = _Walk(
        root=os.path.join(os.fspath(root), ""),  # noqa: PTH118 - what scandir's paths begin with
        skipped={_identity(path) for path in skip if path.exists()},
        left_out={_identity(path): what for path, what in (leave_out or {}).items() if path.exists()},
        labels=labels,
        exclude=exclude,
        follow_links=follow_links,
        also=also,
        found=WalkResult() if found is None else found,
        is_stopped=is_stopped or _never,
    )
    return walk.images(os.fspath(root))


@dataclass(slots=True)
class _Listing:
    """One folder's entries; `control_files` are names that may show another file to be unfinished."""

    control_files: set[str] = field(default_factory=set)
    files: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Walk:
    root: str
    skipped: set[tuple[int, int]]
    left_out: dict[tuple[int, int], str]
    labels: Container[str]
    exclude: Exclude
    follow_links: bool
    also: Container[str]
    found: WalkResult
    is_stopped: Callable[[], bool]

    def images(self, root: str) -> Iterator[ImageFile]:
        """Depth first, without recursion: a crawl may be deeper than Python's stack."""
        listing = self._list(_entries(root))
        pending = [iter(sorted(listing.folders))]
        yield from self._pictures(listing)
        while pending and not self.is_stopped():
            folder = next(pending[-1], None)
            if folder is None:
                pending.pop()
                continue
            entered = self._enter(folder)
            if entered is not None:
                pending.append(iter(sorted(entered.folders)))
                yield from self._pictures(entered)

    def _enter(self, folder: str) -> _Listing | None:
        """The entries of a folder; None if it is not part of the crawl or cannot be read, which is counted."""
        try:
            description = self._reason_to_skip(folder)
            if description is None:
                entries = _entries(folder)
                description = _illsort_folder(entries)
        except OSError as error:
            self.found.refuse(folder, error)
            return None
        if description is None:
            return self._list(entries)
        if description:
            self.found.left_out.append(SkippedFolder(path=Path(folder), what=description))
        return None

    def _reason_to_skip(self, folder: str) -> str | None:
        """The description of a folder that is not entered, empty if it is not listed; None for any other folder."""
        if not (self.skipped or self.left_out):
            return None
        identity = _identity(folder)
        return "" if identity in self.skipped else self.left_out.get(identity)

    def _list(self, entries: list[os.DirEntry[str]]) -> _Listing:
        """The files and folders among `entries`; what is skipped is counted."""
        listing = _Listing(control_files={entry.name for entry in entries if is_control_file(entry.name)})
        for entry in entries:
            try:
                self._add_entry(entry, listing)
            except OSError as error:
                self.found.refuse(entry.path, error)
        return listing

    def _add_entry(self, entry: os.DirEntry[str], listing: _Listing) -> None:
        if _is_link(entry):
            if self.follow_links and entry.is_file():
                listing.files.append(entry.path)
            else:
                self.found.links += 1
        elif entry.is_dir(follow_symlinks=False):
            if entry.name != STATE_FOLDER and not self._is_ignored_folder(entry):
                listing.folders.append(entry.path)
        elif entry.is_file(follow_symlinks=False):
            listing.files.append(entry.path)
        else:
            self.found.specials += 1

    def _is_ignored_folder(self, folder: os.DirEntry[str]) -> bool:
        marker = may_be_unfinished_folder(folder.name)
        if is_system_folder(folder.name):
            self.found.system += 1
        elif self._is_excluded(folder.path + os.sep):
            self.found.excluded += 1
        elif marker is not None and os.path.lexists(os.path.join(folder.path, marker)):  # noqa: PTH118 - see find
            self.found.unfinished += 1
        else:
            return False
        return True

    def _is_excluded(self, path: str) -> bool:
        return self.exclude is not NOTHING and self.exclude(path[len(self.root) :].replace(os.sep, "/"))

    def _pictures(self, listing: _Listing) -> Iterator[ImageFile]:
        for name in sorted(listing.files):
            if self.is_stopped():
                return
            try:
                file = self._picture(name, listing.control_files)
            except OSError as error:
                self.found.refuse(name, error)
                continue
            if file is not None:
                self.found.pictures += file.path.suffix.lower() not in self.also
                yield file

    def _picture(self, path: str, control_files: set[str]) -> ImageFile | None:
        """The record of the file at `path`; None if it is not an image of this crawl, which is counted."""
        # Not the entry's own stat, which has no inode on Windows.
        status = os.stat(path, follow_symlinks=self.follow_links)  # noqa: PTH116 - a str of any bytes
        name = os.path.basename(path)  # noqa: PTH119 - hundreds of thousands of times
        if not stat.S_ISREG(status.st_mode):
            self.found.specials += 1
        elif is_system_file(name) or (may_be_apple_double(name) and sniff(_head(path)) is None):
            self.found.system += 1
        elif self._is_excluded(path):
            self.found.excluded += 1
        elif is_unfinished(name, beside=control_files, is_empty=status.st_size == 0):
            self.found.unfinished += 1
        elif path in self.labels:
            self.found.labels += 1
        else:
            picture = Path(path)  # made once: that takes as long as asking for the status
            is_wanted = claims_to_be_image(picture) or picture.suffix.lower() in self.also
            if is_wanted or sniff(head := _head(path)) is not None:
                return image_file(picture, status)
            self.found.count_other(other_kind(picture, head))
        return None


def _never() -> bool:
    return False


def _entries(folder: str) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return list(entries)


def _illsort_folder(entries: list[os.DirEntry[str]]) -> str | None:
    """What kind of illsort folder has these entries; None for any other."""
    names = {entry.name for entry in entries if entry.name in _MARKERS}
    return next((what for marker, what in _MARKERS.items() if marker in names), None)


def _identity(path: str | Path) -> tuple[int, int]:
    status = os.stat(path)  # noqa: PTH116 - a str of any bytes, hundreds of thousands of times
    return status.st_dev, status.st_ino


def _is_link(entry: os.DirEntry[str]) -> bool:
    if sys.platform == "win32" and entry.stat(follow_symlinks=False).st_reparse_tag == stat.IO_REPARSE_TAG_MOUNT_POINT:
        return True
    return entry.is_symlink()


def _head(path: str) -> bytes:
    with open_regular(Path(path)) as file:
        return file.read(HEAD_BYTES)
