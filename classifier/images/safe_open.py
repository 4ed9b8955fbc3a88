"""Opens regular files only, up to a length, so that a pipe or a device cannot hang or flood a reader."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, Final

from classifier.errors import Message, Undecodable
from classifier.reasons import Reason, ReasonCode
from classifier.records import FailureKind, ImageFile, time_of

if TYPE_CHECKING:
    from io import BufferedReader
    from pathlib import Path

# No accepted image needs more bytes per pixel in any format.
_MAX_BYTES_PER_PIXEL: Final = 16
_SMALL_BYTES: Final = 64 * 2**20

# Without O_NONBLOCK, opening a pipe without a writer waits forever. Windows has neither flag but needs O_BINARY.
_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


def open_regular(path: Path) -> BufferedReader:
    """Open the regular file at `path` (symbolic links are followed) for reading; the caller closes it.

    Raises:
        OSError: It is missing, unreadable, or not a regular file.

    """
    descriptor = os.open(path, _FLAGS)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    raise OSError(errno.EINVAL, Message("not a regular file"), os.fspath(path))


def is_too_long(size_bytes: int, *, max_megapixels: float) -> bool:
    """Whether a file is longer than an image of `max_megapixels` can be."""
    return size_bytes > max(_SMALL_BYTES, max_megapixels * 1e6 * _MAX_BYTES_PER_PIXEL)


def check_length(size_bytes: int, *, max_megapixels: float) -> None:
    """Raise Undecodable (TOO_LARGE) if the file is longer than an image of `max_megapixels` can be."""
    if is_too_long(size_bytes, max_megapixels=max_megapixels):
        detail = Reason.of(ReasonCode.LENGTH_LIMIT, limit=max_megapixels, size_bytes=size_bytes)
        raise Undecodable(FailureKind.TOO_LARGE, detail)


def read_image_file(path: Path, *, max_megapixels: float) -> bytes:
    """The content of the file at `path`, if it is not too long for an image.

    Raises:
        OSError: As `open_regular` does.
        Undecodable: TOO_LARGE, by its length.

    """
    with open_regular(path) as file:
        check_length(os.fstat(file.fileno()).st_size, max_megapixels=max_megapixels)
        return file.read()


def image_file(path: Path, status: os.stat_result) -> ImageFile:
    """The record of the file at `path` with this `status`."""
    return ImageFile(
        path=path,
        size_bytes=status.st_size,
        mtime_ns=time_of(status),
        inode=status.st_ino,
        device=status.st_dev,
    )
