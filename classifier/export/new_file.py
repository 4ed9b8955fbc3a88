"""Writes a file of a person's choosing under a temporary name beside it, and puts it in place when it is whole."""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from classifier.errors import SettingsError
from classifier.filing.fsops import Disk
from classifier.own_files import NEW, STATE, flush_to_disk, open_own, remove_own

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO


def check_target(path: Path, *, force: bool) -> None:
    """Raise SettingsError in one line where no file may be written to `path`; `force` allows to replace a file."""
    if STATE in path.absolute().parts:
        raise SettingsError("{path}: lies among illsort's own files; choose another folder", path=path)
    if not path.parent.is_dir():
        raise SettingsError("{path}: there is no folder {folder}", path=path, folder=path.parent)
    if path.is_dir():
        raise SettingsError("{path}: is a folder; name a file", path=path)
    if not force and os.path.lexists(path):
        raise SettingsError("{path}: is there already; --force replaces it", path=path)


@contextmanager
def new_file(path: Path, *, force: bool) -> Iterator[BinaryIO]:
    """A file to write, which is at `path` after the block, durably; after an exception nothing of it is left.

    Raises SettingsError as `check_target` does, also for a file that came to be there in the meantime; OSError when the
    disk refuses.
    """
    check_target(path, force=force)
    part = path.with_name(f".illsort-{secrets.token_hex(8)}.part")
    disk = Disk()
    try:
        with open_own(part, NEW) as file:
            yield file
            file.flush()
            flush_to_disk(file.fileno())
        if force:
            disk.replace_own(part, path)
        else:
            _put(disk, part, path)
    except BaseException:
        with suppress(OSError):
            remove_own(part)
        raise
    with suppress(OSError):
        disk.sync_folder(path.parent)


def _put(disk: Disk, part: Path, path: Path) -> None:
    try:
        disk.rename_noreplace(part, path, claim=lambda: None)
    except FileExistsError:
        raise SettingsError("{path}: is there already; --force replaces it", path=path) from None
