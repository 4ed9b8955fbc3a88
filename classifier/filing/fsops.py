"""Every system call that changes a user's files.

No call replaces an existing file: a taken name raises FileExistsError, from the kernel wherever it can refuse a rename.
"""

from __future__ import annotations

import ctypes
import errno
import hashlib
import os
import stat
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from classifier.busy_files import when_free
from classifier.catalog.filesystem import sync_folder
from classifier.errors import Message
from classifier.filing.disk_errors import HAS_NO_LINKS, SourceError, is_disk_failure
from classifier.own_files import flush_to_disk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import BinaryIO

_CANNOT_RENAME_EXCLUSIVELY = frozenset({errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP})
_CANNOT_SYNC = frozenset({errno.EINVAL, errno.EOPNOTSUPP, errno.ENOTSUP})
_AT_FDCWD, _RENAME_NOREPLACE = -100, 1  # Linux
_RENAME_EXCL = 4  # macOS
_CHUNK = 1 << 20
_PERMISSIONS = 0o777


class Disk:
    """The real disk. A test's disk overrides the calls that its file system lacks."""

    def rename_exclusively(self, source: Path, target: Path) -> None:
        """Rename in one step that fails with FileExistsError if `target` exists.

        Raises OSError with ENOSYS, EINVAL or EOPNOTSUPP where the system or the file system cannot do that.
        """
        if sys.platform == "win32":  # pragma: no cover - Windows
            when_free(os.rename, source, target)
        elif sys.platform == "darwin":  # pragma: no cover - macOS
            _call("renamex_np", os.fsencode(source), os.fsencode(target), ctypes.c_uint(_RENAME_EXCL))
        else:
            here = ctypes.c_int(_AT_FDCWD)
            flag = ctypes.c_uint(_RENAME_NOREPLACE)
            _call("renameat2", here, os.fsencode(source), here, os.fsencode(target), flag)

    def link(self, source: Path, target: Path) -> None:
        """Give the file at `source` a second name; a link itself is never followed."""
        if sys.platform == "win32":  # pragma: no cover - Windows, which follows none
            when_free(os.link, source, target)
        else:
            when_free(os.link, source, target, follow_symlinks=False)

    def symlink(self, source: Path, target: Path) -> None:
        """Make `target` a symbolic link to the absolute path of `source`."""
        target.symlink_to(source.absolute())

    def remove(self, path: Path, *, other: Path | None = None) -> None:
        """Unlink a name that the caller has proved not to be the last of any image.

        `other` is another name of the same file, which may be read-only: Windows removes no name of such a file, so it
        is writable for a moment, and read-only again when this returns.
        """
        if sys.platform == "win32" and _is_read_only(path, other):  # pragma: no cover - Windows
            remove_read_only(path, other=other)
        else:
            when_free(os.unlink, path)

    def make_folder(self, folder: Path) -> None:
        """Make one folder durably; an existing one is left alone."""
        with suppress(FileExistsError):
            folder.mkdir()
        self.sync_folder(folder.parent)

    def remove_folder(self, folder: Path) -> None:
        """Remove an empty folder durably; raises OSError if it is not empty."""
        when_free(folder.rmdir)
        self.sync_folder(folder.parent)

    def sync_folder(self, folder: Path) -> None:
        """Make the names in `folder` durable, if the disk supports it."""
        try:
            sync_folder(folder)
        except OSError as error:
            if error.errno not in _CANNOT_SYNC:
                raise

    def sync_file(self, path: Path) -> None:
        """Make a file's content durable."""
        # Windows does so only through a file that is open for writing.
        if sys.platform == "win32" and not os.access(path, os.W_OK):  # pragma: no cover - Windows
            return
        with path.open("rb+" if sys.platform == "win32" else "rb") as file:
            flush_to_disk(file.fileno())
            _drop_cache(file.fileno())

    def rename_noreplace(self, source: Path, target: Path, *, claim: Callable[[], None]) -> None:
        """Rename without replacing: FileExistsError when `target` is taken.

        Without an exclusive rename of the kernel and without hard links, an empty file is created exclusively at
        `target` and renamed over; `claim` is called just before, to record that such a file may exist.
        """
        try:
            return self.rename_exclusively(source, target)
        except OSError as error:
            if error.errno not in _CANNOT_RENAME_EXCLUSIVELY:
                raise
        try:
            self.link(source, target)
        except OSError as error:
            if error.errno not in HAS_NO_LINKS:
                raise
            return self._rename_onto_placeholder(source, target, claim)
        # Other file systems may reorder the two, and a power cut in between would lose both names.
        self.sync_folder(target.parent)
        try:
            return self.remove(source, other=target)
        except OSError:
            self.remove(target, other=source)
            raise

    def _rename_onto_placeholder(self, source: Path, target: Path, claim: Callable[[], None]) -> None:
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
        claim()
        ours = self._make_empty(target)
        found = target.lstat()
        if not os.path.samestat(found, ours) or found.st_size:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
        try:
            when_free(os.replace, source, target)
        except OSError:
            self.remove(target)
            raise

    def _make_empty(self, path: Path) -> os.stat_result:
        with _create(path) as file:
            return os.fstat(file.fileno())

    def copy(self, source: Path, temporary: Path) -> str:
        """Copy content, time, permissions and user attributes to a new file, not yet durably; returns the SHA-256.

        Raises FileExistsError when `temporary` is taken, SourceError when the source cannot be read.
        """
        with _open_source(source) as origin, _create(temporary) as file:
            digest = self.transfer(origin, file)
            file.flush()
            _copy_metadata(origin.fileno(), file.fileno())
        if sys.platform == "win32":  # pragma: no cover - Windows
            _set_times(temporary, source.stat())  # by path, and only after the file is closed
        return digest

    def secure(self, path: Path, sha256: str) -> None:
        """Make a copy durable and read it back from the disk; raises OSError EIO if it differs from what was written.

        Safe to call for several files at once from threads: disks make many files durable in the time of one.
        """
        self.sync_file(path)
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != sha256:
            raise OSError(errno.EIO, Message("the copy differs from what was written"), str(path))

    def transfer(self, origin: BinaryIO, file: BinaryIO) -> str:
        """Copy the bytes and return the SHA-256 of what was read."""
        digest = hashlib.sha256()
        while chunk := _read(origin):
            digest.update(chunk)
            file.write(chunk)
        return digest.hexdigest()

    def write_new(self, path: Path, content: bytes) -> None:
        """Write a new file durably; raises FileExistsError if the name is taken."""
        with _create(path, permissions=0o666) as file:
            file.write(content)
            file.flush()
            flush_to_disk(file.fileno())

    def replace_own(self, source: Path, target: Path) -> None:
        """Rename over a file that the caller has proved to be ours."""
        when_free(os.replace, source, target)


def _is_read_only(path: Path, other: Path | None) -> bool:
    """Whether `path` is a read-only file of no other name than `other`, by which it can be made read-only again."""
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode) or found.st_mode & stat.S_IWRITE:
        return False
    return found.st_nlink == 1 or (other is not None and path.samefile(other))


def remove_read_only(path: Path, *, other: Path | None) -> None:
    """Unlink a name of a read-only file where that needs it to be writable; by its `other` name it stays read-only."""
    status = path.lstat()
    kept = other if status.st_nlink > 1 else None
    path.chmod(stat.S_IMODE(status.st_mode) | stat.S_IWRITE)
    try:
        when_free(os.unlink, path)
    except OSError:
        kept = path
        raise
    finally:
        if kept is not None:
            kept.chmod(stat.S_IMODE(status.st_mode))


def _open_source(path: Path) -> BinaryIO:
    """Open a regular file to read; never follows a link, or waits on a pipe, that has taken its place."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        file = os.fdopen(os.open(path, flags), "rb", buffering=0)
    except OSError as error:
        raise SourceError(error.errno, error.strerror, str(path), getattr(error, "winerror", None)) from error
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise SourceError(errno.EINVAL, Message("it is no regular file"), str(path))
    return file


def _create(path: Path, *, permissions: int = 0o600) -> BinaryIO:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    return os.fdopen(os.open(path, flags, permissions), "wb")


def _read(file: BinaryIO) -> bytes:
    try:
        return file.read(_CHUNK)
    except OSError as error:
        raise SourceError(error.errno, error.strerror) from error


def _copy_metadata(source: int, target: int) -> None:
    """Give the copy the permissions, user attributes and times of the source, as far as its disk supports them."""
    if sys.platform == "win32":  # pragma: no cover - Windows
        return
    status = os.fstat(source)
    with suppress(PermissionError, NotImplementedError):
        os.fchmod(target, status.st_mode & _PERMISSIONS)
    if sys.platform == "linux":  # pragma: no branch - the others have none
        with suppress(OSError):
            for name in filter(lambda name: name.startswith("user."), os.listxattr(source)):
                os.setxattr(target, name, os.getxattr(source, name))
    _set_times(target, status)


def _set_times(target: int | Path, status: os.stat_result) -> None:
    """Give `target` the times of another file, as far as its disk and the system support them."""
    try:
        os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
    except OverflowError:
        return
    except OSError as error:
        if is_disk_failure(error):
            raise


def _drop_cache(descriptor: int) -> None:
    """Drop the file from the system's cache, if supported, so that the next read comes from the disk."""
    if sys.platform == "linux":  # pragma: no branch - the others have none
        with suppress(OSError):
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def _call(name: str, *arguments: object) -> None:
    """Call a C function that returns 0 on success; again if a signal interrupted it."""
    function = getattr(ctypes.CDLL(None, use_errno=True), name, None)
    if function is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), name)
    while function(*arguments) != 0:
        code = ctypes.get_errno()
        if code != errno.EINTR:
            path = next(os.fsdecode(argument) for argument in arguments if isinstance(argument, bytes))
            raise OSError(code, os.strerror(code), path)
