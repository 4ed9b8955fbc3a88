"""Tries, before anything is filed, whether this user may make symbolic links, for which Windows asks for a right."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from classifier.errors import LibraryError
from classifier.filing.disk_errors import may_not_symlink
from classifier.records import Method, Mode


def method_of(mode: Mode) -> Method:
    """The method of a mode; raises as `check_symlink_right` does, if it is that of symbolic links."""
    if mode is Mode.SYMLINK:
        check_symlink_right()
    return Method(mode.value)


def check_symlink_right(symlink: Callable[[str, Path], None] = os.symlink) -> None:
    """Raise LibraryError in one line if Windows lets this user make no symbolic link.

    It is the user who has the right, not the disk, so a temporary folder will do. Whatever else goes wrong shows when
    a file is linked.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="illsort-") as folder:
            symlink("nothing", Path(folder, "link"))
    except OSError as error:
        if may_not_symlink(error):
            raise LibraryError(
                "--mode symlink: Windows lets you make no symbolic links; turn on developer mode (Settings, For "
                "developers), or take --mode link or copy"
            ) from None
