"""A lock on a file, by the operating system: it ends with its process, so nothing is left to clean up after a kill."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

if sys.platform == "win32":  # pragma: no cover - Windows
    import msvcrt
else:
    import fcntl

_LOCKED_BYTE = 1 << 30  # far after the text, for Windows does not let anyone read a locked byte
_LONGEST_PID = 20
_held: set[int] = set()


class LockHeldError(Exception):
    """Another process holds the lock; `process` is its id as text, "unknown" if the file does not say."""

    def __init__(self, process: str) -> None:
        super().__init__(process)
        self.process = process


def acquire(descriptor: int) -> None:
    """Lock an open file that `open_descriptor` opened with CREATE, and write this process's id into it.

    Raises LockHeldError at once while another process holds it, OSError where the disk cannot lock files.
    """
    try:
        _lock(descriptor)
    except (BlockingIOError, PermissionError) as error:
        os.lseek(descriptor, 0, os.SEEK_SET)
        owner = os.read(descriptor, _LONGEST_PID)
        raise LockHeldError(owner.decode(errors="replace").strip() or "unknown") from error
    _held.add(descriptor)
    _write_pid(descriptor)


def release(descriptor: int) -> None:
    """Close the file, and so release its lock, if it was locked."""
    _held.discard(descriptor)
    os.close(descriptor)


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
