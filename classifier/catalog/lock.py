"""The locks of a library: one process at a time may write it, and one at a time watches for it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from classifier.catalog.filesystem import make_state_folder
from classifier.errors import LibraryError, LibraryInUse, Message, message_of
from classifier.file_lock import LockHeldError, acquire, release
from classifier.own_files import CREATE, open_descriptor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NAME = "lock"
_OF_WATCHER = "lock-watch"


@contextmanager
def hold_lock(library: Path) -> Iterator[None]:
    """Hold the lock of `library`; raises LibraryInUse at once, naming the process, while another holds it."""
    with _held(library, _NAME) as process:
        if process is not None:
            raise LibraryInUse(
                Message("{library} is in use by illsort, process {process}", library=library, process=process)
            )
        yield


@contextmanager
def hold_watch_lock(library: Path) -> Iterator[None]:
    """Be the one process that watches for `library`, which others may use; LibraryInUse while another is."""
    with _held(library, _OF_WATCHER) as process:
        if process is not None:
            raise LibraryInUse(
                Message(
                    "{library}: illsort watch runs for it already, process {process}; end that one, or give it all "
                    "crawls",
                    library=library,
                    process=process,
                )
            )
        yield


@contextmanager
def _held(library: Path, name: str) -> Iterator[str | None]:
    """Lock a file of the library; the process that has it instead, or None."""
    path = make_state_folder(library) / name
    try:
        descriptor = open_descriptor(path, CREATE)
    except OSError as error:
        raise LibraryError("cannot lock {library}: {why}", library=library, why=message_of(error)) from error
    try:
        yield _acquired(descriptor, library)
    finally:
        release(descriptor)


def _acquired(descriptor: int, library: Path) -> str | None:
    try:
        acquire(descriptor)
    except LockHeldError as held:
        return held.process
    except OSError as error:
        raise LibraryError(
            "the disk of {library} cannot lock files: {why}", library=library, why=message_of(error)
        ) from error
    return None
