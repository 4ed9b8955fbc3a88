"""The folder of a decision as the library spells it: one category has one folder, in whichever form of Unicode it is.

Reads names of folders, and changes nothing.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.catalog.categories import composed
from classifier.filing.destination import folder_for

if TYPE_CHECKING:
    from classifier.records import Decision


class CategoryFolders:
    """Where pictures belong in one library; what is on the disk is looked at once for each folder that holds folders.

    A folder of the category's own spelling goes before another: what lies in the other is then moved there.
    """

    def __init__(self, library: Path) -> None:
        self._library = library
        self._spelled: dict[Path, dict[str, str]] = {}

    def __call__(self, decision: Decision) -> Path:
        """The folder within the library, as `folder_for` gives it, or as one that is there already is spelled."""
        folder = folder_for(decision)
        return folder if str(folder).isascii() else self._as_spelled(folder)

    def _as_spelled(self, folder: Path) -> Path:
        found = Path()
        for name in folder.parts:
            found /= self._names_in(found).get(composed(name), name)
        return found

    def _names_in(self, folder: Path) -> dict[str, str]:
        """The folders in a folder of the library: the composed name, and the one on the disk, the composed first."""
        if folder not in self._spelled:
            try:
                with os.scandir(self._library / folder) as entries:
                    names = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
            except OSError:  # not there yet
                names = []
            self._spelled[folder] = {composed(name): name for name in names} | {
                name: name for name in names if name == composed(name)
            }
        return self._spelled[folder]


def is_in_its_folder(path: Path, decision: Decision) -> bool:
    """Whether a picture at `path` within a library lies where it belongs."""
    return composed(str(path.parent)) == composed(str(folder_for(decision)))
