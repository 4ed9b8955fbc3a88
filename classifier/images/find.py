"""Walks a folder and gives every file that is or claims to be a picture; counts what it passed over and why.

Must not decode anything, nor know labels, libraries or models.
"""

from __future__ import annotations

import os
import stat
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.images.formats import HEAD_BYTES, claims_to_be_picture, sniff
from classifier.images.regular import image_file, open_regular

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from classifier.records import ImageFile

STATE_FOLDER = ".illsort"

_MOST_COMPLAINTS = 100


@dataclass(slots=True)
class Found:
    """What one walk met, counted as it goes; every file met is in exactly one of the counts.

    `links` are symbolic links to files or folders, which are never followed; `specials` are pipes, sockets and
    devices; `unreadable` are folders and files that the system refused to show; `complaints` tells of the first
    hundred of these, a sentence each.
    """

    pictures: int = 0
    others: int = 0
    links: int = 0
    specials: int = 0
    unreadable: int = 0
    complaints: list[str] = field(default_factory=list)

    def refuse(self, path: str, error: OSError) -> None:
        """Count `path` as one the system would not show."""
        self.unreadable += 1
        if len(self.complaints) < _MOST_COMPLAINTS:
            self.complaints.append(f"{path!r} cannot be read: {error.strerror or error}")

    def sentences(self) -> list[str]:
        """What was passed over, for a person; empty when nothing was."""
        counted = [
            (self.others, "files are not pictures"),
            (self.links, "symbolic links were not followed"),
            (self.specials, "pipes, sockets and devices were left alone"),
            (self.unreadable, "files and folders could not be read"),
        ]
        return [f"{count:,} {what}" for count, what in counted if count]


def find(root: Path, *, skip: Collection[Path] = (), found: Found | None = None) -> Iterator[ImageFile]:
    """Every picture under `root`, by extension or by its first bytes, always in the same order.

    A folder's files come first, by name, then its folders, by name. Folders in `skip` (recognised by identity,
    however they are spelled) and folders named `.illsort` are not entered. `found` counts as the walk goes.

    Raises:
        OSError: `root` itself cannot be listed.

    """
    tally = Found() if found is None else found
    skipped = {_identity(path) for path in skip if path.exists()}
    files, folders = _listed(os.fspath(root), tally)
    pending = [iter(folders)]
    yield from _pictures(files, tally)
    while pending:
        folder = next(pending[-1], None)
        if folder is None:
            pending.pop()
            continue
        try:
            if skipped and _identity(folder) in skipped:
                continue
            files, folders = _listed(folder, tally)
        except OSError as error:
            tally.refuse(folder, error)
            continue
        pending.append(iter(folders))
        yield from _pictures(files, tally)


def _identity(path: str | Path) -> tuple[int, int]:
    status = os.stat(path)  # noqa: PTH116 - a str of any bytes, hundreds of thousands of times
    return status.st_dev, status.st_ino


def _is_link(entry: os.DirEntry[str]) -> bool:
    if sys.platform == "win32" and entry.stat(follow_symlinks=False).st_reparse_tag == stat.IO_REPARSE_TAG_MOUNT_POINT:
        return True
    return entry.is_symlink()


def _listed(folder: str, found: Found) -> tuple[list[str], list[str]]:
    """The files and the folders in `folder`, each sorted by name; links and specials are only counted."""
    files, folders = [], []
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                if _is_link(entry):
                    found.links += 1
                elif entry.is_dir(follow_symlinks=False):
                    if entry.name != STATE_FOLDER:
                        folders.append(entry.path)
                elif entry.is_file(follow_symlinks=False):
                    files.append(entry.path)
                else:
                    found.specials += 1
            except OSError as error:
                found.refuse(entry.path, error)
    return sorted(files), sorted(folders)


def _pictures(files: list[str], found: Found) -> Iterator[ImageFile]:
    for name in files:
        path = Path(name)
        try:
            # Not the entry's own stat: on Windows that one has no inode.
            status = path.lstat()
            if not stat.S_ISREG(status.st_mode):
                found.specials += 1
                continue
            is_picture = claims_to_be_picture(path) or _looks_like_picture(path)
        except OSError as error:
            found.refuse(name, error)
            continue
        if is_picture:
            found.pictures += 1
            yield image_file(path, status)
        else:
            found.others += 1


def _looks_like_picture(path: Path) -> bool:
    with open_regular(path) as file:
        return sniff(file.read(HEAD_BYTES)) is not None
