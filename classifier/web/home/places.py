"""The folders of this machine, for the page's picker: what is in one, and where one may begin.

A path is text of the page: a folder whose name is no Unicode is shown, and can be neither entered nor chosen.
"""

from __future__ import annotations

import os
import string
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from classifier.errors import message_of
from classifier.images.formats import claims_to_be_image
from classifier.images.ignored_files import is_system_folder
from classifier.paths import displayable, given_path
from classifier.web.responses import RequestError

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_FOLDERS: Final = 500
_MOUNTED: Final = ("/Volumes", "/mnt", "/media", "/run/media")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A folder in the list: its name as it is shown, and its path; empty if that cannot be sent."""

    name: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What is directly in a folder. `parent` is empty at the top; `more` counts folders that are not listed."""

    path: str
    parent: str
    folders: tuple[Entry, ...]
    more: int
    pictures: int


def asked_path(text: str) -> Path:
    """The absolute path that a person means. Answers 400 in one line where there can be none."""
    try:
        path = given_path(text.strip().strip('"'))
    except ValueError as error:
        raise RequestError("{path}: {why}", path=displayable(text[:200]), why=message_of(error)) from None
    if not path.is_absolute():
        raise RequestError("{path}: give the whole path, from the root or a drive", path=displayable(text[:200]))
    return path


def nearest(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    return next((one for one in (folder, *folder.parents) if one.is_dir()), folder)


def look_into(folder: Path) -> Listing:
    """What is in `folder`; pictures are counted by name. Answers 400 where it cannot be listed."""
    folders, pictures = [], 0
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if _is_folder(entry):
                    folders.append(entry.name)
                else:
                    pictures += claims_to_be_image(Path(entry.name))
    except (OSError, ValueError) as error:
        raise RequestError("{path}: {why}", path=displayable(folder), why=message_of(error)) from None
    shown = sorted((one for one in folders if not _is_hidden(one)), key=str.casefold)
    return Listing(
        path=str(folder),
        parent="" if folder.parent == folder else str(folder.parent),
        folders=tuple(_entry(folder, name) for name in shown[:_MOST_FOLDERS]),
        more=max(0, len(shown) - _MOST_FOLDERS),
        pictures=pictures,
    )


def places() -> list[Entry]:
    """Where to begin: the home folder, drives and mounted disks."""
    found = list(dict.fromkeys([*_home(), *(_drives() if sys.platform == "win32" else _disks())]))
    return [Entry(name=displayable(one), path=str(one)) for one in found if _is_unicode(str(one))]


def _home() -> Iterator[Path]:
    try:
        yield Path.home()
    except RuntimeError:  # there is none
        return


def _drives() -> Iterator[Path]:  # pragma: no cover - Windows
    for letter in string.ascii_uppercase:
        if Path(drive := f"{letter}:\\").exists():
            yield Path(drive)


def _disks() -> Iterator[Path]:
    """The root, and what is mounted where systems mount disks; at /run/media and /media, below a folder per user."""
    yield Path("/")
    for place in _MOUNTED:
        for folder in _folders_in(Path(place)):
            inner = list(_folders_in(folder)) if "media" in place else []
            yield from inner or [folder]


def _folders_in(folder: Path) -> Iterator[Path]:
    try:
        yield from sorted(one for one in folder.iterdir() if one.is_dir() and not one.name.startswith("."))
    except OSError:
        return


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or is_system_folder(name)


def _entry(folder: Path, name: str) -> Entry:
    path = str(folder / name)
    return Entry(name=displayable(name), path=path if _is_unicode(path) else "")


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
