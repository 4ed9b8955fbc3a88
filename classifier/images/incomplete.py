"""Files that somebody still writes to, by their time, by a second look, and on Linux by asking the kernel.

Must not know names: a downloader may write to the final one.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from classifier.images.safe_open import image_file

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.images.walk_result import Found
    from classifier.records import ImageFile

SECOND_LOOK_S = 1.0
"""How long after a file was first looked at it is looked at again, when it was changed just now."""

_FRESH_S: Final = 5
_RECENT_S: Final = 600


def complete(files: Iterable[ImageFile], found: Found, *, ask_of_all: bool = False) -> Iterator[ImageFile]:
    """Those of `files` that nobody writes to; the others count as unfinished in `found`.

    Files changed in the last five seconds come last, once a second look shows them as they were. Of files changed in
    the last ten minutes (with `ask_of_all`, of every file) the kernel is asked, where it can tell, whether some process
    has them open for writing.
    """
    fresh: list[ImageFile] = []
    looked = time.monotonic()
    for file in files:
        age_s = abs(time.time_ns() - file.mtime_ns) / 1e9
        if age_s < _FRESH_S:
            fresh.append(file)
            looked = time.monotonic()
        elif (ask_of_all or age_s < _RECENT_S) and is_being_written(file.path):
            found.postpone()
        else:
            yield file
    if fresh:
        time.sleep(max(0.0, looked + SECOND_LOOK_S - time.monotonic()))
    for file in fresh:
        if _has_changed(file) or is_being_written(file.path):
            found.postpone()
        else:
            yield file


def _has_changed(file: ImageFile) -> bool:
    try:
        status = file.path.stat()
    except OSError:  # renamed, now that it is complete
        return True
    return image_file(file.path, status) != file


def is_being_written(path: Path) -> bool:
    """Whether a process has the file open for writing; False also where nobody can tell.

    Linux grants a read lease only on a file that no process has open for writing. It is given back at once; should a
    writer come in that moment, the signal that tells of it is one that is ignored.
    """
    if sys.platform != "linux":
        return False
    import fcntl  # noqa: PLC0415 - POSIX has it, Windows has not

    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    else:
        return False
    finally:
        os.close(descriptor)
