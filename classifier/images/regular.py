"""Opens a path only when a regular file is behind it, so that a pipe or a device can never hang or flood a reader.

Must not know what is in the file.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

from classifier.records import ImageFile, time_of

if TYPE_CHECKING:
    from io import BufferedReader
    from pathlib import Path

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


def image_file(path: Path, status: os.stat_result) -> ImageFile:
    """The record of the file at `path` that has this `status`."""
    return ImageFile(
        path=path,
        size_bytes=status.st_size,
        mtime_ns=time_of(status),
        inode=status.st_ino,
        device=status.st_dev,
    )
