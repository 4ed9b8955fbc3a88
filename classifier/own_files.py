"""Files that illsort keeps for itself, opened, written, replaced and removed without following a link.

A library or a model's folder may come from a stranger, and a link in it must not lead to a file elsewhere: below the
folder that a person named, each folder on the way is opened by itself, and a link is an OSError that names it. So is a
second name (a hard link) of a file that would be changed in place.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from classifier.busy_files import if_free, when_free
from classifier.errors import Message

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

STATE: Final = ".illsort"
"""The folder of a library's own state."""

READ: Final = os.O_RDONLY
APPEND: Final = os.O_RDWR | os.O_CREAT | os.O_APPEND
UPDATE: Final = os.O_RDWR
CREATE: Final = os.O_RDWR | os.O_CREAT
NEW: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL

_PERMISSIONS: Final = 0o666  # less what the umask takes away
_FILE: Final = sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"))
_FOLDER: Final = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_DIRECTORY", "O_CLOEXEC"))
_BY_FOLDER: Final = {os.open, os.mkdir, os.stat} <= os.supports_dir_fd
_LINK_TAGS: Final = frozenset({0xA000000C, 0xA0000003})  # Windows: a symbolic link, a junction


def is_link(status: os.stat_result) -> bool:
    """Whether an `lstat` is that of a link to elsewhere: symbolic, or a junction of Windows."""
    return stat.S_ISLNK(status.st_mode) or getattr(status, "st_reparse_tag", 0) in _LINK_TAGS


def problem_with(path: Path, status: os.stat_result, *, changing: bool) -> OSError | None:
    """Why a file or folder with this `lstat` is none of our own to be read, or changed in place; None when it is.

    Its `strerror` is a Message (see `errors.message_of`).
    """
    if is_link(status):
        link = Message("{path} is a link; illsort follows none among its own files: remove it", path=path)
        return OSError(errno.ELOOP, link)
    if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
        return OSError(errno.EINVAL, Message("{path} is no regular file; move it elsewhere", path=path))
    if changing and stat.S_ISREG(status.st_mode) and status.st_nlink > 1:
        hard_link = Message(
            "{path} has a second name (a hard link), which would be changed with it: put a copy of it in its place",
            path=path,
        )
        return OSError(errno.EMLINK, hard_link)
    return None


def open_own(path: Path, flags: int, *, permissions: int = _PERMISSIONS) -> BinaryIO:
    """Open a file of our own; `flags` is READ, or for reading and writing APPEND, UPDATE, CREATE or NEW."""
    descriptor = open_descriptor(path, flags, permissions=permissions)
    return cast("BinaryIO", os.fdopen(descriptor, {READ: "rb", APPEND: "ab+"}.get(flags, "rb+")))


def open_descriptor(path: Path, flags: int, *, permissions: int = _PERMISSIONS) -> int:
    """As `open_own`, a descriptor that the caller closes."""
    with _open_parent(path) as folder:
        name = path if folder is None else path.name
        try:
            descriptor = os.open(name, flags | _FILE, permissions, dir_fd=folder)
        except OSError as error:
            _refuse_link(path)
            raise _with_path(error, path) from error
        problem = problem_with(path, os.fstat(descriptor), changing=flags != READ)
        if problem is not None:
            os.close(descriptor)
            raise problem
        return descriptor


def write_own(path: Path, content: bytes, *, durably: bool = True, permissions: int = _PERMISSIONS) -> None:
    """Have `content` at `path`, whole or not at all, in place of what was there, which the caller has proved ours."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    try:
        with open_own(part, NEW, permissions=permissions) as file:
            file.write(content)
            file.flush()
            if durably:
                flush_to_disk(file.fileno())
        replace_own(part, path)
    except Exception as error:
        with suppress(OSError):
            remove_own(part)
        if isinstance(error, OSError) and error.filename is None and not isinstance(error.strerror, Message):
            raise _with_path(error, path) from error  # a full disk, of which the system names no file
        raise


def replace_own(source: Path, target: Path) -> None:
    """Rename a file of our own, in place of what was at `target`, which the caller has proved ours."""
    with _open_parent(source) as first, _open_parent(target) as second:
        try:
            if first is None or second is None:  # pragma: no cover - Windows
                when_free(os.replace, source, target)
            else:
                when_free(os.replace, source.name, target.name, src_dir_fd=first, dst_dir_fd=second)
        except OSError as error:
            raise _with_path(error, target) from error


def remove_own(path: Path, *, wait: bool = True) -> None:
    """Remove a file that the caller has proved ours; a link at its place is removed itself, never what it leads to.

    Without `wait`, a file that Windows refuses to remove because it is in use is an OSError at once.
    """
    with _open_parent(path) as folder:
        name = path if folder is None else path.name
        try:
            if wait:
                when_free(os.unlink, name, dir_fd=folder)
            else:
                if_free(os.unlink, name, dir_fd=folder)
        except OSError as error:
            raise _with_path(error, path) from error


def flush_to_disk(descriptor: int) -> None:
    """Have what was written to an open file, or the names in an open folder, on the disk itself."""
    if sys.platform == "darwin":  # pragma: no cover - macOS
        import fcntl  # noqa: PLC0415 - Windows has none

        # There, fsync leaves the data in the cache of the drive.
        with suppress(OSError):
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
            return
    os.fsync(descriptor)


def make_own_folder(path: Path) -> None:
    """Make a folder of our own and those on the way to it; what is there already must be folders, not links."""
    with _open_parent(path / "in it", make=True):
        pass


def sha256_if_regular(path: Path) -> str:
    """The SHA-256 of a regular file at `path`, no link, in hexadecimal; empty when there is no such thing."""
    import hashlib  # noqa: PLC0415 - only here

    try:
        with _open_parent(path) as folder:
            descriptor = os.open(path if folder is None else path.name, os.O_RDONLY | _FILE, dir_fd=folder)
            with os.fdopen(descriptor, "rb") as file:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    return ""
                return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


@contextmanager
def _open_parent(path: Path, *, make: bool = False) -> Iterator[int | None]:
    """The folder of `path`, opened by way of folders that are no links; None where a system has no such way.

    The way begins at the library that holds the state folder, or else at the folder of `path` itself: that one a person
    named, and it may be a link.
    """
    root, names = _split_at_root(path)
    if not _BY_FOLDER:  # pragma: no cover - Windows: looked at one after the other instead
        for number in range(len(names) - 1):
            part = root.joinpath(*names[: number + 1])
            part.mkdir(exist_ok=True) if make else None
            _refuse_link(part)
        yield None
        return
    descriptor = os.open(root, _FOLDER)
    try:
        for number, name in enumerate(names[:-1]):
            inner = _open_folder(root.joinpath(*names[: number + 1]), name, descriptor, make=make)
            os.close(descriptor)
            descriptor = inner
        yield descriptor
    finally:
        os.close(descriptor)


def _open_folder(path: Path, name: str, folder: int, *, make: bool) -> int:
    try:
        if make:
            with suppress(FileExistsError):
                os.mkdir(name, dir_fd=folder)
        return os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
    except OSError as error:
        _refuse_link(path)
        raise _with_path(error, path) from error


def _with_path(error: OSError, path: Path) -> OSError:
    """The error with the whole path: by way of an open folder, the system names only its last part."""
    return OSError(error.errno, error.strerror, str(path), getattr(error, "winerror", None))


def _split_at_root(path: Path) -> tuple[Path, tuple[str, ...]]:
    """Where the way to `path` begins, and the names on it."""
    for folder in path.parents:
        if folder.name == STATE:
            return folder.parent, path.relative_to(folder.parent).parts
    return path.parent, (path.name,)


def _refuse_link(path: Path) -> None:
    with suppress(FileNotFoundError):
        if is_link(status := path.lstat()) and (problem := problem_with(path, status, changing=True)) is not None:
            raise problem
