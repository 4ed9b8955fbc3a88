"""What an error of the file system means for filing: this file alone, every file, or a copy instead of a link."""

from __future__ import annotations

import errno
from typing import Final

HAS_NO_LINKS: Final = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS})
"""The errors of a hard link on a disk that has none, or no more for this file."""

_DISK_FAILURES: Final = frozenset(
    {errno.ENOSPC, errno.EROFS, errno.EIO, errno.EDQUOT, errno.ENODEV, errno.ENXIO, errno.ESTALE, errno.ENOTCONN}
)

# Windows' own numbers, of which errno does not say enough.
_DISK_FULL: Final = frozenset({39, 112})
_DISK_BROKEN: Final = frozenset({19, 1117})  # write-protected, input or output failed
_DISK_GONE: Final = frozenset({21, 433, 1167})  # not ready, no such device, not connected
_SHARE_GONE: Final = frozenset({53, 55, 59, 64})  # path not found, no longer there, network error, name deleted
_WINDOWS_DISK_FAILURES: Final = _DISK_FULL | _DISK_BROKEN | _DISK_GONE | _SHARE_GONE
_HAS_NO_LINKS_ON_WINDOWS: Final = frozenset({1, 50, 1142})  # invalid function, not supported, 1,023 links are there
_IN_CLOUD: Final = frozenset({362, 395, 396})  # OneDrive: its program does not run, access denied, no hard links
_NO_RIGHT: Final = 1314


class SourceError(OSError):
    """The source could not be read: that file's fault, not the library's disk's."""


def is_disk_failure(error: OSError) -> bool:
    """Whether the disk would refuse every further file too: full, read-only, broken or gone."""
    if isinstance(error, SourceError):
        return False
    return error.errno in _DISK_FAILURES or _winerror(error) in _WINDOWS_DISK_FAILURES


def cannot_link(error: OSError) -> bool:
    """Whether a hard link failed for a reason that a copy does not have."""
    known = error.errno in HAS_NO_LINKS or error.errno == errno.EXDEV
    return known or _winerror(error) in _HAS_NO_LINKS_ON_WINDOWS | _IN_CLOUD


def may_not_symlink(error: OSError) -> bool:
    """Whether Windows lets this user make no symbolic link."""
    return _winerror(error) == _NO_RIGHT


def _winerror(error: OSError) -> int | None:
    return getattr(error, "winerror", None)
