"""Opens a path only when a regular file is behind it, so that a pipe or a device can never hang or flood a reader.

Must not know what is in the file; a picture's file may be only so long.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, Final

from classifier.errors import Undecodable
from classifier.records import FailureKind, ImageFile, time_of

if TYPE_CHECKING:
    from io import BufferedReader
    from pathlib import Path

# No format keeps a picture that we would accept in more bytes a pixel; a longer file is not worth its memory.
_MOST_BYTES_PER_PIXEL: Final = 16
_SMALL_BYTES: Final = 64 * 2**20

# Without O_NONBLOCK, opening a pipe that nobody writes to waits for ever. Windows has neither flag but needs O_BINARY.
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
        OSError: It is not there, may not be read, or is no regular file.

    """
    descriptor = os.open(path, _FLAGS)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    raise OSError(errno.EINVAL, "not a regular file", os.fspath(path))


def check_length(size_bytes: int, *, max_megapixels: float) -> None:
    """Raise Undecodable (TOO_LARGE) when a file of this size can hold no picture of so few pixels."""
    if size_bytes > max(_SMALL_BYTES, max_megapixels * 1e6 * _MOST_BYTES_PER_PIXEL):
        detail = f"the file has {size_bytes:,} bytes, more than {max_megapixels:g} megapixels can take"
        raise Undecodable(FailureKind.TOO_LARGE, detail)


def read_picture(path: Path, *, max_megapixels: float) -> bytes:
    """What is in the file at `path`, which is read only when it is short enough for a picture.

    Raises:
        OSError: As `open_regular` does.
        Undecodable: TOO_LARGE, by its length.

    """
    with open_regular(path) as file:
        check_length(os.fstat(file.fileno()).st_size, max_megapixels=max_megapixels)
        return file.read()


def image_file(path: Path, status: os.stat_result) -> ImageFile:
    """The record of the file at `path` that has this `status`."""
    return ImageFile(
        path=path,
        size_bytes=status.st_size,
        mtime_ns=time_of(status),
        inode=status.st_ino,
        device=status.st_dev,
    )
