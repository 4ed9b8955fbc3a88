"""Where an image belongs in the library, and under which names it may be stored.

A file keeps its name, byte for byte. If the library's file system refuses a name, the file is reported, not renamed.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.catalog.categories import nfc
from classifier.catalog.category_folders import DUPLICATES, REVIEW, UNKNOWN
from classifier.category_names import MOST_LEVELS, SEPARATOR, may_be_folder
from classifier.paths import LONGEST_NAME, name_length
from classifier.reasons import Reason, ReasonCode
from classifier.records import Action, ImageFile

if TYPE_CHECKING:
    from classifier.catalog.places import LibraryFile
    from classifier.records import Decision, ImageId

REPLACED = Path(".illsort", "replaced")
"""The folder for old sidecars that the crawler has rewritten: nothing is lost, and undo brings them back."""
TEMPORARY = re.compile(r"\.illsort-\d+-\d+\.part")
"""The name of an unfinished copy."""

_LONGEST_EXTENSION = 32  # a longer one is part of the name, not an extension
_DIGITS = (8, 16, 64)
_WITHOUT_GUESS = {
    Action.REVIEW: Path(REVIEW),
    Action.UNKNOWN: Path(UNKNOWN),
    Action.DUPLICATE: Path(DUPLICATES),
}

_WITH_LEVELS = frozenset({ReasonCode.SURE_OF_PARENT, ReasonCode.COPY_OF})


def candidate_names(name: str, image_id: ImageId) -> tuple[str, ...]:
    """The names to try, best first: its own, then with 8, 16 and all 64 digits of the content hash.

    The last can only be taken by the same content, or by a file named so on purpose. No name is longer than 255, in
    bytes or on Windows in UTF-16.
    """
    stem, extension = _split_extension(name)
    marks = ("", *(f"_{image_id[:digits]}" for digits in _DIGITS))
    # An image named like an unfinished copy would be mistaken for one and removed.
    marks = marks[1:] if TEMPORARY.fullmatch(name) else marks
    if name_length(name) + 1 + _DIGITS[-1] <= LONGEST_NAME:
        return tuple(stem + mark + extension for mark in marks)
    return tuple(_shorten(stem, mark + extension) for mark in marks)


def recorded_file(place: LibraryFile, library: Path) -> ImageFile:
    """The file in the library as it was last recorded."""
    return ImageFile(
        path=library / os.fsdecode(place.path),
        size_bytes=place.size_bytes,
        mtime_ns=place.mtime_ns,
        inode=place.inode,
        device=place.device,
    )


def temporary_name(run: int, id: int) -> str:  # noqa: A002
    """The name of an unfinished copy; recovery removes only files with such a name and a row in the journal."""
    return f".illsort-{run}-{id}.part"


def folder_for(decision: Decision) -> Path:
    """The folder within the library: the category's own, its folder under `_review` or `_duplicates`, or `_unknown`.

    What is surely of a parent of nested categories, and waits for a person to say of which, is in the parent's own
    `_review`.

    Images that wait without a best guess are in `_review` itself. Raises ValueError for a category of which a part is
    not a plain folder name, which earlier checks rule out.
    """
    category = decision.category
    if not category and decision.action in _WITHOUT_GUESS:
        return _WITHOUT_GUESS[decision.action]
    if not category or not _is_folder(category):
        raise ValueError(f"not a category's folder name: {category!r}")
    parts = category.split(SEPARATOR)
    if levels := parent_levels(decision.action, decision.reason):
        return Path(*parts[:levels], REVIEW)
    folders = {
        Action.FILE: Path(*parts),
        Action.REVIEW: Path(REVIEW, *parts),
        Action.UNKNOWN: Path(UNKNOWN),
        Action.DUPLICATE: Path(DUPLICATES, *parts),
    }
    return folders[decision.action]


def _is_folder(category: str) -> bool:
    return all(map(may_be_folder, category.split(SEPARATOR)))


def parent_levels(action: Action, reason: Reason) -> int:
    """The levels of the parent in whose `_review` an image waits; 0 for any other."""
    if action is not Action.REVIEW or reason.code not in _WITH_LEVELS:
        return 0
    try:
        levels = reason.params.get("levels")
    except (TypeError, ValueError):  # a damaged row
        return 0
    return levels if isinstance(levels, int) and 0 < levels <= MOST_LEVELS else 0


def _split_extension(name: str) -> tuple[str, str]:
    """A name and its extension with the dot; a part that is too long is no extension."""
    point = name.rfind(".")
    if not 0 < point < len(name) - 1 or name_length(name[point:]) > _LONGEST_EXTENSION:
        return name, ""
    return name[:point], name[point:]


def _shorten(stem: str, ending: str) -> str:
    while name_length(stem + ending) > LONGEST_NAME:
        stem = stem[:-1]
    return stem + ending


class CategoryFolders:
    """Where images belong in one library; each folder that contains folders is listed once.

    A folder in the category's own spelling takes precedence over another spelling: the images of the other are moved
    there.
    """

    def __init__(self, library: Path) -> None:
        self._library = library
        self._spelled: dict[Path, dict[str, str]] = {}

    def __call__(self, decision: Decision) -> Path:
        """The folder within the library, as `folder_for` returns it, or in the spelling of an existing one."""
        folder = folder_for(decision)
        return folder if str(folder).isascii() else self._as_spelled(folder)

    def _as_spelled(self, folder: Path) -> Path:
        found = Path()
        for name in folder.parts:
            found /= self._names_in(found).get(nfc(name), name)
        return found

    def _names_in(self, folder: Path) -> dict[str, str]:
        """The folders in a folder of the library: by composed name (NFC) the name on the disk, preferably composed."""
        if folder not in self._spelled:
            try:
                with os.scandir(self._library / folder) as entries:
                    names = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
            except OSError:  # not there yet
                names = []
            self._spelled[folder] = {nfc(name): name for name in names} | {
                name: name for name in names if name == nfc(name)
            }
        return self._spelled[folder]


def is_in_its_folder(path: Path, decision: Decision) -> bool:
    """Whether an image at `path` within a library is where it belongs.

    What a person or an undo left in the `_review` of a category waits there as well as in `_review` itself. What has a
    category that is no folder, as earlier versions took from a folder that a person made, stays where it is.
    """
    if decision.category and not _is_folder(decision.category):
        return True
    belongs = [folder_for(decision)]
    if decision.action is Action.REVIEW and decision.category:
        belongs.append(Path(decision.category, REVIEW))
    return nfc(str(path.parent)) in [nfc(str(folder)) for folder in belongs]
