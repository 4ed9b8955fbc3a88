"""Which files of a bucket or an archive count as pictures: by their names, as the walk of a folder decides by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from classifier.exclude import NOTHING, Exclude
from classifier.images.formats import claims_to_be_image, other_kind
from classifier.images.ignored_files import (
    is_system_file,
    is_system_folder,
    is_unfinished,
    may_be_apple_double,
)
from classifier.images.walk import STATE_FOLDER

if TYPE_CHECKING:
    from collections.abc import Container

    from classifier.images.walk_result import WalkResult


@dataclass(slots=True, kw_only=True)
class NamedFiles:
    """Takes or leaves files one after the other, in any order, and counts them in `found`, as `find_images` does.

    No file is opened: one without the extension of an image is no picture, and one whose name begins with "._" is taken
    for macOS's. Nor can it know of an unfinished download by the files beside it.
    """

    found: WalkResult
    exclude: Exclude = NOTHING
    also: Container[str] = frozenset()
    _folder: str | None = None
    _is_left: bool = False
    _left: str = ""
    """The folder that was left out last, which is counted once."""

    def takes(self, path: str) -> bool:
        """Whether the file at `path`, relative, with `/`, is a picture, or has an extension in `also`."""
        folder, _, name = path.rpartition("/")
        if folder != self._folder:
            self._folder, self._is_left = folder, self._leaves(folder)
        if self._is_left:
            return False
        pure = PurePosixPath(name)
        if is_system_file(name) or may_be_apple_double(name):
            self.found.system += 1
        elif self._excludes(path):
            self.found.excluded += 1
        elif is_unfinished(name, beside=(), is_empty=False):
            self.found.unfinished += 1
        elif pure.suffix.lower() in self.also:
            return True
        elif claims_to_be_image(pure):
            self.found.pictures += 1
            return True
        else:
            self.found.count_other(other_kind(pure, b""))
        return False

    def _leaves(self, folder: str) -> bool:
        """Whether a file in this folder is left out, for the folder or for one around it."""
        names = folder.split("/") if folder else []
        for depth, name in enumerate(names, start=1):
            path = "/".join(names[:depth])
            is_system = is_system_folder(name)
            if name == STATE_FOLDER:
                return True
            if is_system or self._excludes(path + "/"):
                self._count(path, is_system=is_system)
                return True
        return False

    def _count(self, folder: str, *, is_system: bool) -> None:
        if folder == self._left:
            return
        self._left = folder
        if is_system:
            self.found.system += 1
        else:
            self.found.excluded += 1

    def _excludes(self, path: str) -> bool:
        return self.exclude is not NOTHING and self.exclude(path)
