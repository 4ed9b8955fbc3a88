"""One process at a time owns a library for writing; must not know what is written.

The lock is the operating system's and dies with its owner, so nothing needs clearing up after a kill.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from classifier.catalog.filesystem import make_state_folder
from classifier.errors import LibraryError
from classifier.own_files import CREATE, open_descriptor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

if sys.platform == "win32":  # pragma: no cover - Windows
    import msvcrt
else:
    import fcntl

_NAME = "lock"
_LOCKED_BYTE = 1 << 30  # far behind the text, for Windows lets nobody read a locked byte
_LONGEST_PID = 20
_held: set[int] = set()


@contextmanager
def hold_lock(library: Path) -> Iterator[None]:
    """Own `library` until left; raises LibraryError at once, naming the owner, while another process does."""
    path = make_state_folder(library) / _NAME
    try:
        descriptor = open_descriptor(path, CREATE)
    except OSError as error:
        raise LibraryError(f"cannot lock {library}: {error.strerror or error}") from error
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
        raise LibraryError(f"{library} is in use by illsort, process {pid}") from error
    except OSError as error:
        raise LibraryError(f"the disk of {library} cannot lock files: {error.strerror or error}") from error


def _write_pid(descriptor: int) -> None:
    """Say whose it is; on a disk that is full the lock is no less a lock for naming nobody."""
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
        """A forked worker must not keep the lock alive after its parent's death."""
        for descriptor in _held:
            os.close(descriptor)
        _held.clear()

    os.register_at_fork(after_in_child=_release_in_child)
