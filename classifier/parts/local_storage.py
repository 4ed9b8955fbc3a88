"""A folder of this machine as a place for parts and pictures."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

from classifier.busy_files import when_free
from classifier.images.safe_open import open_regular
from classifier.own_files import NEW, open_own, remove_own, write_own
from classifier.parts.storage_types import ChangedSinceListed, Storage, StoredFile
from classifier.paths import from_text, to_text
from classifier.records import time_of

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


class LocalStorage(Storage):
    """A folder, which need not exist before something is written; a file's version is its time of change, in ns."""

    def __init__(self, folder: Path) -> None:
        self.url = folder.as_posix()
        self._folder = folder

    def __reduce__(self) -> tuple[type[LocalStorage], tuple[Path]]:
        return LocalStorage, (self._folder,)

    @property
    def folder(self) -> Path:
        """The folder."""
        return self._folder

    @property
    def reads_at_once(self) -> int:
        """One: a disk is not waited for as a bucket is."""
        return 1

    def stat(self, key: str) -> StoredFile:
        """The file at `key`; a link is followed."""
        path = self._path(key)
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
        return _stored(key, status)

    def read_bytes(self, key: str, *, version: str | None = None) -> bytes:
        """The whole file."""
        with open_regular(self._path(key)) as file:
            _check(_stored(key, os.fstat(file.fileno())), version)
            return file.read()

    def read_range(self, key: str, offset: int, length: int, *, version: str | None = None) -> bytes:
        """`length` bytes from `offset` on."""
        with open_regular(self._path(key)) as file:
            _check(_stored(key, os.fstat(file.fileno())), version)
            file.seek(offset)
            content = file.read(length)
        if len(content) != length:
            raise ChangedSinceListed(key)
        return content

    def write_atomically(self, key: str, content: bytes) -> None:
        """Write under a temporary name beside it, durably, then rename; folders on the way are made."""
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_own(path, content)

    def write_new(self, key: str, content: bytes) -> None:
        """By a second name of what was written beside it: that takes no name that is there."""
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
        with suppress(FileExistsError):
            write_own(part, content)
            try:
                when_free(os.link, part, path)
            except FileExistsError:
                raise
            except OSError:  # a drive without second names
                with open_own(path, NEW) as file:
                    file.write(content)
            finally:
                remove_own(part)

    def remove(self, key: str) -> None:
        """Remove one of our own files."""
        remove_own(self._path(key))

    def names(self) -> list[str]:
        """The regular files in the folder."""
        try:
            with os.scandir(self._folder) as entries:
                return sorted(to_text(entry.name) for entry in entries if entry.is_file(follow_symlinks=False))
        except FileNotFoundError:
            return []

    def objects(self) -> Generator[StoredFile]:
        """Not for a folder: `images.walk` lists it, and knows more."""
        raise NotImplementedError

    def has_below(self, key: str) -> bool:
        """Whether there is anything in that folder."""
        try:
            with os.scandir(self._path(key)) as entries:
                return any(entries)
        except (FileNotFoundError, NotADirectoryError):
            return False

    def _path(self, key: str) -> Path:
        return self._folder / from_text(key)


def _stored(key: str, status: os.stat_result) -> StoredFile:
    return StoredFile(key, status.st_size, str(time_of(status)))


def _check(found: StoredFile, version: str | None) -> None:
    if version not in {None, found.version}:
        raise ChangedSinceListed(found.key)
