"""A digest of what is in a folder, by which a later look sees cheaply whether anything came or changed.

No file is opened. Unfinished downloads and files of the system do not count: they change all the time, and what they
become has another name.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Final

from classifier.images.ignored_files import is_system_file, is_system_folder, is_unfinished
from classifier.images.walk import STATE_FOLDER
from classifier.own_files import is_link
from classifier.records import time_of

if TYPE_CHECKING:
    from collections.abc import Container, Iterator
    from pathlib import Path

NO_FILES: Final = b""
"""The digest of a folder without files."""


def folder_digest(folder: Path, *, skip: Container[str] = ()) -> bytes:
    """A digest of the names, sizes and times of all files under `folder`, but for the folders in `skip`.

    Raises OSError when `folder` itself cannot be listed; one below it that cannot be is part of the digest.
    """
    digest, count, pending = hashlib.blake2b(digest_size=16), 0, [os.fspath(folder)]
    _entries(pending[0])
    while pending:
        current = pending.pop()
        try:
            entries = _entries(current)
        except OSError:
            digest.update(b"\0?" + os.fsencode(current))
            continue
        for entry in entries:
            try:
                status = entry.stat(follow_symlinks=False)
                is_folder = entry.is_dir(follow_symlinks=False) and not is_link(status)
            except OSError:  # gone since it was listed
                continue
            if is_folder:
                pending += _inner(entry, skip)
            elif is_counted(entry.name):
                count += 1
                digest.update(os.fsencode(entry.path) + b"\0%d %d\0" % (status.st_size, time_of(status)))
    return digest.digest() if count else NO_FILES


def is_counted(name: str) -> bool:
    """Whether a file of this name may be one of the crawl, and complete."""
    return not (is_system_file(name) or is_unfinished(name, beside=(), is_empty=False))


def _entries(folder: str) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return sorted(entries, key=_name)


def _name(entry: os.DirEntry[str]) -> str:
    return entry.name


def _inner(entry: os.DirEntry[str], skip: Container[str]) -> Iterator[str]:
    if entry.name != STATE_FOLDER and not is_system_folder(entry.name) and entry.path not in skip:
        yield entry.path
