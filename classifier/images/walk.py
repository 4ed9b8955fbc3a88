"""Walks a folder and gives every file that is or claims to be a picture; counts what it passed over and why.

Must not decode anything. It recognizes folders of illsort by their marks, and knows no more of them.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from classifier.exclude import NOTHING, Exclude
from classifier.images.formats import HEAD_BYTES, claims_to_be_picture, sniff
from classifier.images.safe_open import image_file, open_regular
from classifier.images.system_files import (
    is_system_file,
    is_system_folder,
    is_unfinished,
    marks_another,
    may_be_apple_double,
    may_be_unfinished_folder,
)
from classifier.images.walk_result import Found, LeftOut

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Mapping

    from classifier.records import ImageFile


STATE_FOLDER: Final = ".illsort"
_MARKS: Final = {STATE_FOLDER: "an illsort library or labels folder", "illsort.json": "an illsort model"}


def find(
    root: Path,
    *,
    skip: Collection[Path] = (),
    leave_out: Mapping[Path, str] | None = None,
    labels: Container[str] = frozenset(),
    exclude: Exclude = NOTHING,
    follow_links: bool = False,
    found: Found | None = None,
) -> Iterator[ImageFile]:
    """Every picture under `root`, by extension or by its first bytes, always in the same order.

    A folder's files come first, by name, then its folders, by name. Folders in `skip` (recognized by identity, however
    they are spelled) and folders named `.illsort` are not entered, nor those in `leave_out` (a word on what each is)
    and other libraries and models, which are told. The files named in `labels` are only counted. With `follow_links`,
    a link to a file counts as that file; a link to a folder is never followed. `found` counts as the walk goes.

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
        found=Found() if found is None else found,
    )
    return walk.pictures(os.fspath(root))


@dataclass(slots=True)
class _Listing:
    """One folder's entries; `marks` are names of files that may tell that another is unfinished."""

    marks: set[str] = field(default_factory=set)
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
    found: Found

    def pictures(self, root: str) -> Iterator[ImageFile]:
        """Depth first, without recursion: a crawl may be deeper than Python's stack."""
        listing = self._listed(_entries(root))
        pending = [iter(sorted(listing.folders))]
        yield from self._pictures(listing)
        while pending:
            folder = next(pending[-1], None)
            if folder is None:
                pending.pop()
                continue
            entered = self._entered(folder)
            if entered is not None:
                pending.append(iter(sorted(entered.folders)))
                yield from self._pictures(entered)

    def _entered(self, folder: str) -> _Listing | None:
        """What is in a folder; None when it is not part of the crawl or cannot be read, which is counted."""
        try:
            what = self._what_it_is(folder)
            if what is None:
                entries = _entries(folder)
                what = _mark(entries)
        except OSError as error:
            self.found.refuse(folder, error)
            return None
        if what is None:
            return self._listed(entries)
        if what:
            self.found.left_out.append(LeftOut(path=Path(folder), what=what))
        return None

    def _what_it_is(self, folder: str) -> str | None:
        """What a folder is that is not to be entered, empty when nobody needs to hear it; None for any other."""
        if not (self.skipped or self.left_out):
            return None
        identity = _identity(folder)
        return "" if identity in self.skipped else self.left_out.get(identity)

    def _listed(self, entries: list[os.DirEntry[str]]) -> _Listing:
        """The files and the folders among `entries`; what is passed over is only counted."""
        listing = _Listing(marks={entry.name for entry in entries if marks_another(entry.name)})
        for entry in entries:
            try:
                self._sort_in(entry, listing)
            except OSError as error:
                self.found.refuse(entry.path, error)
        return listing

    def _sort_in(self, entry: os.DirEntry[str], listing: _Listing) -> None:
        if _is_link(entry):
            if self.follow_links and entry.is_file():
                listing.files.append(entry.path)
            else:
                self.found.links += 1
        elif entry.is_dir(follow_symlinks=False):
            if entry.name != STATE_FOLDER and not self._is_passed_over(entry):
                listing.folders.append(entry.path)
        elif entry.is_file(follow_symlinks=False):
            listing.files.append(entry.path)
        else:
            self.found.specials += 1

    def _is_passed_over(self, folder: os.DirEntry[str]) -> bool:
        mark = may_be_unfinished_folder(folder.name)
        if is_system_folder(folder.name):
            self.found.system += 1
        elif self._is_excluded(folder.path + os.sep):
            self.found.excluded += 1
        elif mark is not None and os.path.lexists(os.path.join(folder.path, mark)):  # noqa: PTH118 - see find
            self.found.unfinished += 1
        else:
            return False
        return True

    def _is_excluded(self, path: str) -> bool:
        return self.exclude is not NOTHING and self.exclude(path[len(self.root) :].replace(os.sep, "/"))

    def _pictures(self, listing: _Listing) -> Iterator[ImageFile]:
        for name in sorted(listing.files):
            try:
                file = self._picture(name, listing.marks)
            except OSError as error:
                self.found.refuse(name, error)
                continue
            if file is not None:
                self.found.pictures += 1
                yield file

    def _picture(self, path: str, marks: set[str]) -> ImageFile | None:
        """The record of the file at `path`; None when it is no picture of this crawl, which is counted."""
        # Not the entry's own stat: on Windows that one has no inode.
        status = os.stat(path, follow_symlinks=self.follow_links)  # noqa: PTH116 - a str of any bytes
        name = os.path.basename(path)  # noqa: PTH119 - hundreds of thousands of times
        if not stat.S_ISREG(status.st_mode):
            self.found.specials += 1
        elif is_system_file(name) or (may_be_apple_double(name) and not _looks_like_picture(path)):
            self.found.system += 1
        elif self._is_excluded(path):
            self.found.excluded += 1
        elif is_unfinished(name, beside=marks, is_empty=status.st_size == 0):
            self.found.unfinished += 1
        elif path in self.labels:
            self.found.labels += 1
        elif claims_to_be_picture(Path(path)) or _looks_like_picture(path):
            return image_file(Path(path), status)
        else:
            self.found.others += 1
        return None


def _entries(folder: str) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return list(entries)


def _mark(entries: list[os.DirEntry[str]]) -> str | None:
    """What illsort keeps in a folder with these entries, if anything."""
    names = {entry.name for entry in entries if entry.name in _MARKS}
    return next((what for mark, what in _MARKS.items() if mark in names), None)


def _identity(path: str | Path) -> tuple[int, int]:
    status = os.stat(path)  # noqa: PTH116 - a str of any bytes, hundreds of thousands of times
    return status.st_dev, status.st_ino


def _is_link(entry: os.DirEntry[str]) -> bool:
    if sys.platform == "win32" and entry.stat(follow_symlinks=False).st_reparse_tag == stat.IO_REPARSE_TAG_MOUNT_POINT:
        return True
    return entry.is_symlink()


def _looks_like_picture(path: str) -> bool:
    with open_regular(Path(path)) as file:
        return sniff(file.read(HEAD_BYTES)) is not None
