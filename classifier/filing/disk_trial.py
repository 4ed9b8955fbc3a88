"""Tries what a disk can do, on files of its own in a new temporary folder that is removed again."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.filing.disk_errors import may_not_symlink
from classifier.filing.fsops import Disk

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskAbilities:
    """What the disk does, and whether Windows lets this user make symbolic links."""

    links: bool
    symlinks: bool
    may_symlink: bool
    distinguishes_case: bool
    refuses_taken_names: bool


def try_disk(folder: Path, disk: Disk | None = None) -> DiskAbilities:
    """What the disk of `folder` can do. Raises OSError when nothing can be written there."""
    disk = disk or Disk()
    with tempfile.TemporaryDirectory(prefix=".illsort-doctor-", dir=folder) as name:
        here = Path(name)
        first, second = here / "first", here / "second"
        for path in (first, second):
            disk.write_new(path, path.name.encode())
        symlink = _refusal(lambda: disk.symlink(first, here / "symlink"))
        return DiskAbilities(
            links=_refusal(lambda: disk.link(first, here / "link")) is None,
            symlinks=symlink is None,
            may_symlink=symlink is None or not may_not_symlink(symlink),
            distinguishes_case=not os.path.lexists(here / "FIRST"),
            refuses_taken_names=isinstance(_refusal(lambda: disk.rename_exclusively(second, first)), FileExistsError),
        )


def _refusal(change: Callable[[], object]) -> OSError | None:
    try:
        change()
    except OSError as error:
        return error
    return None
