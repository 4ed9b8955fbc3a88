"""The lock of a library: one process at a time may write it.

It is a lock of the operating system and ends with its process, so nothing is left to clean up after a kill.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from classifier.catalog.filesystem import make_state_folder
from classifier.errors import LibraryError, message_of
from classifier.own_files import CREATE, open_descriptor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

if sys.platform == "win32":  # pragma: no cover - Windows
    import msvcrt
else:
    import fcntl

_NAME = "lock"
_LOCKED_BYTE = 1 << 30  # far after the text, for Windows does not let anyone read a locked byte
_LONGEST_PID = 20
_held: set[int] = set()


@contextmanager
def hold_lock(library: Path) -> Iterator[None]:
    """Hold the lock of `library`; raises LibraryError at once, naming the process, while another holds it."""
    path = make_state_folder(library) / _NAME
    try:
        descriptor = open_descriptor(path, CREATE)
    except OSError as error:
        raise LibraryError("cannot lock {library}: {why}", library=library, why=message_of(error)) from error
    try:
        _acquire(descriptor, library)
        _held.add(descriptor)
        _write_pid(descriptor)
        yield
    finally:
        _held.discard(descriptor)
        os.close(descriptor)


def _acquire(descriptor: int, library: Path) -> None:
    try:
        _lock(descriptor)
    except (BlockingIOError, PermissionError) as error:
        os.lseek(descriptor, 0, os.SEEK_SET)
        owner = os.read(descriptor, _LONGEST_PID)
        pid = owner.decode(errors="replace").strip() or "unknown"
        raise LibraryError("{library} is in use by illsort, process {process}", library=library, process=pid) from error
    except OSError as error:
        raise LibraryError(
            "the disk of {library} cannot lock files: {why}", library=library, why=message_of(error)
        ) from error


def _write_pid(descriptor: int) -> None:
    """Write the process id into the lock file. The lock holds even if that fails, as on a full disk."""
    with suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, str(os.getpid()).encode())


if sys.platform == "win32":  # pragma: no cover - Windows

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _release_in_child() -> None:
        """Close the lock in a forked worker, which would otherwise keep it after its parent's death."""
        for descriptor in _held:
            os.close(descriptor)
        _held.clear()

    os.register_at_fork(after_in_child=_release_in_child)
