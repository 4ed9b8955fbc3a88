"""Finds the pictures and archives below a URL, in the order of their keys, and leaves out what a walk leaves out."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from classifier.errors import Message
from classifier.exclude import NOTHING, Exclude
from classifier.images.named_files import NamedFiles
from classifier.images.walk import STATE_FOLDER
from classifier.images.walk_result import SkippedFolder, WalkResult
from classifier.paths import unescaped

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from classifier.parts.storage_types import Storage, StoredFile

_STATE: Final = STATE_FOLDER + "/"


def find_objects(
    storage: Storage, *, also: Container[str], exclude: Exclude = NOTHING, found: WalkResult
) -> Iterator[StoredFile]:
    """Every file below `storage` that is a picture by its name, or has an extension in `also`; the others are counted.

    The order is that of the keys' UTF-8 bytes. Libraries, which hold a folder `.illsort`, are left out whole, and
    listed in `found`; models hold no pictures, and nobody looks for them.
    """
    names, libraries = NamedFiles(found=found, exclude=exclude, also=also), _Libraries(storage=storage, found=found)
    with closing(storage.objects()) as files:
        for file in files:
            if not libraries.contain(file.key) and names.takes(unescaped(file.key)):
                yield file


@dataclass(slots=True, kw_only=True)
class _Libraries:
    """Tells which keys lie in a library, given in order.

    The key of its state folder comes before most others in it; where one comes even before that, the store is asked.
    """

    storage: Storage
    found: WalkResult
    _folder: str = ""
    _left: str = ""

    def contain(self, key: str) -> bool:
        """Whether the file at `key` lies in a library."""
        if self._left and key.startswith(self._left):
            return True
        folder = key.rpartition("/")[0]
        if folder != self._folder:
            self._left, self._folder = self._enter(key, folder, self._folder), folder
        return bool(self._left)

    def _enter(self, key: str, folder: str, last: str) -> str:
        """What begins the keys that are left out, from the first `key` in `folder` on; empty for none.

        Which folders around both `folder` and the `last` one are libraries is known.
        """
        names = folder.split("/")
        for depth in range(_shared(names, last.split("/")), len(names)):
            around, path = "/".join(names[:depth]), "/".join(names[: depth + 1])
            if names[depth] == STATE_FOLDER:
                return self._leave_out(around)
            if key[len(path) + 1 :] < _STATE and self.storage.has_below(f"{path}/{STATE_FOLDER}"):
                return self._leave_out(path)
        return ""

    def _leave_out(self, library: str) -> str:
        if not library:  # the source itself: as in a folder, its pictures count
            return _STATE
        what = Message("an illsort library or labels folder")
        self.found.left_out.append(SkippedFolder(path=Path(self.storage.url) / unescaped(library), what=what))
        return library + "/"


def _shared(one: list[str], other: list[str]) -> int:
    """How many names both begin with."""
    differing = (number for number, (first, then) in enumerate(zip(one, other, strict=False)) if first != then)
    return next(differing, min(len(one), len(other)))
