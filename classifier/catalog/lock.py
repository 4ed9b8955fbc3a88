"""The lock of a library: one process at a time may write it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from classifier.catalog.filesystem import make_state_folder
from classifier.errors import LibraryError, message_of
from classifier.file_lock import LockHeldError, acquire, release
from classifier.own_files import CREATE, open_descriptor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NAME = "lock"


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
        yield
    finally:
        release(descriptor)


def _acquire(descriptor: int, library: Path) -> None:
    try:
        acquire(descriptor)
    except LockHeldError as held:
        raise LibraryError(
            "{library} is in use by illsort, process {process}", library=library, process=held.process
        ) from held
    except OSError as error:
        raise LibraryError(
            "the disk of {library} cannot lock files: {why}", library=library, why=message_of(error)
        ) from error
