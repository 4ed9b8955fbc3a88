"""Subclasses of Disk that lack, refuse or corrupt something, as other file systems and failing hardware do."""

# ruff: noqa: ARG002, D102 - each method is one of Disk, whose docstrings hold

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from classifier.filing.fsops import Disk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import BinaryIO


def refusal(code: int, path: Path) -> OSError:
    """The error that the system would raise."""
    return OSError(code, os.strerror(code), str(path))


class NoExclusiveRename(Disk):
    """As NTFS through FUSE, or NFS: links, but no rename that refuses a taken name."""

    def rename_exclusively(self, source: Path, target: Path) -> None:
        raise refusal(errno.EINVAL, target)


class FatDisk(NoExclusiveRename):
    """As FAT: no links of any kind either."""

    def link(self, source: Path, target: Path) -> None:
        raise refusal(errno.EPERM, target)

    def symlink(self, source: Path, target: Path) -> None:
        raise refusal(errno.ENOSYS, target)


class OtherDisk(Disk):
    """A second disk with the same device number, like a bind mount: no links or renames out of `crawl`."""

    def __init__(self, crawl: Path) -> None:
        self.crawl = crawl

    def rename_exclusively(self, source: Path, target: Path) -> None:
        if source.is_relative_to(self.crawl):
            raise refusal(errno.EXDEV, target)
        super().rename_exclusively(source, target)

    def link(self, source: Path, target: Path) -> None:
        raise refusal(errno.EXDEV, target)


class Failing(Disk):
    """Fails with `code` at the `number`-th call (from 1) of the changing call `name`, and at every later one."""

    def __init__(self, name: str, code: int, *, number: int = 1) -> None:
        self.name = name
        self.code = code
        self.left = number

    def _pass(self, name: str, path: Path) -> None:
        if name == self.name:
            self.left -= 1
            if self.left <= 0:
                raise refusal(self.code, path)

    def rename_exclusively(self, source: Path, target: Path) -> None:
        self._pass("rename_exclusively", target)
        super().rename_exclusively(source, target)

    def link(self, source: Path, target: Path) -> None:
        self._pass("link", target)
        super().link(source, target)

    def symlink(self, source: Path, target: Path) -> None:
        self._pass("symlink", target)
        super().symlink(source, target)

    def remove(self, path: Path, *, other: Path | None = None) -> None:
        self._pass("remove", path)
        super().remove(path, other=other)

    def make_folder(self, folder: Path) -> None:
        self._pass("make_folder", folder)
        super().make_folder(folder)

    def sync_folder(self, folder: Path) -> None:
        self._pass("sync_folder", folder)
        super().sync_folder(folder)

    def copy(self, source: Path, temporary: Path) -> str:
        self._pass("copy", temporary)
        return super().copy(source, temporary)

    def secure(self, path: Path, sha256: str) -> None:
        self._pass("secure", path)
        super().secure(path, sha256)

    def write_new(self, path: Path, content: bytes) -> None:
        self._pass("write_new", path)
        super().write_new(path, content)


class Spoiling(Disk):
    """Writes wrong bytes, as bad memory or cables do."""

    def __init__(self, spoil: Callable[[bytes], bytes]) -> None:
        self.spoil = spoil

    def transfer(self, origin: BinaryIO, file: BinaryIO) -> str:
        digest = super().transfer(origin, file)
        file.seek(0)
        content = origin_content(origin)
        file.truncate()
        file.write(self.spoil(content))
        return digest


def origin_content(origin: BinaryIO) -> bytes:
    """The whole content of an open file."""
    origin.seek(0)
    return origin.read()


class Meddling(Disk):
    """Calls `meddle` just before each rename or link, like another program at the same instant."""

    def __init__(self, meddle: Callable[[Path, Path], None]) -> None:
        self.meddle = meddle

    def rename_exclusively(self, source: Path, target: Path) -> None:
        self.meddle(source, target)
        super().rename_exclusively(source, target)

    def link(self, source: Path, target: Path) -> None:
        self.meddle(source, target)
        super().link(source, target)

    def copy(self, source: Path, temporary: Path) -> str:
        digest = super().copy(source, temporary)
        self.meddle(source, temporary)
        return digest
