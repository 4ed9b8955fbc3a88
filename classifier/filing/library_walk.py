"""The files of a library that the catalog does not know: moved there by hand, or a person's own."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from classifier.catalog.filesystem import state_folder
from classifier.filing.destination import TEMPORARY

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path


def other_files(library: Path, known: Collection[bytes]) -> Iterator[tuple[bytes, int]]:
    """Path from the library on and inode of every file and link that is not `known`; unreadable folders are skipped.

    What illsort keeps for itself is left out: its state folder, and copies under way.
    """
    folders, root, own = [b""], os.fsencode(library) + b"/", os.fsencode(state_folder(library).name)
    while folders:
        inside = folders.pop()
        with suppress(OSError), os.scandir(root + inside) as entries:
            for entry in entries:
                path = inside + entry.name
                if entry.is_dir(follow_symlinks=False):
                    folders += [] if path == own else [path + b"/"]
                elif path not in known and not TEMPORARY.fullmatch(os.fsdecode(entry.name)):
                    yield path, entry.inode()
