"""Whether a hard link can be made from where a file lies to another folder, and if not why; changes nothing.

It tells a dry run what would happen, and a run why what it asked for did not. The kernel has the last word.
"""

from __future__ import annotations

import ctypes
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Final

from classifier.catalog.filesystem import file_system_of, lines_of
from classifier.filing.file_checks import lstat_or_none

_PROTECTED: Final = Path("/proc/sys/fs/protected_hardlinks")
_HAVE_NO_LINKS: Final = frozenset({"vfat", "msdos", "exfat", "hfs", "udf", "iso9660"})
_WINDOWS_HARD_LINKS: Final = 0x0040_0000  # FILE_SUPPORTS_HARD_LINKS


class WhyNoLink(StrEnum):
    """Why pictures are copied in place of linked."""

    OTHER_DISK = "they lie on another disk than the library"
    NO_LINKS = "the library's file system has no hard links"
    OTHER_OWNER = "they belong to another user, and this system lets you link only what is yours"
    REFUSED = "the system refused to link them"


def why_no_link(source: Path, folder: Path) -> WhyNoLink | None:
    """Why `source` can have no second name in `folder`, which need not exist yet; None where it probably can."""
    try:
        there = _nearest(folder)
        if source.parent.stat().st_dev != there.stat().st_dev:
            return WhyNoLink.OTHER_DISK
        if _has_no_links(there):
            return WhyNoLink.NO_LINKS
        return WhyNoLink.OTHER_OWNER if _is_protected(source) else None
    except OSError:
        return None


def _nearest(folder: Path) -> Path:
    while lstat_or_none(folder) is None:
        folder = folder.parent
    return folder


def _has_no_links(folder: Path) -> bool:
    if sys.platform == "win32":  # pragma: no cover - Windows
        return not _windows_flags(folder) & _WINDOWS_HARD_LINKS
    return file_system_of(folder) in _HAVE_NO_LINKS


def _is_protected(source: Path) -> bool:
    """Whether Linux refuses a link to a file of another user that this one may not both read and write."""
    if not hasattr(os, "geteuid") or os.geteuid() == 0 or lines_of(_PROTECTED) != ["1"]:
        return False
    return source.stat().st_uid != os.geteuid() and not os.access(source, os.R_OK | os.W_OK)


def _windows_flags(folder: Path) -> int:  # pragma: no cover - Windows
    """The flags of the volume; all of them when it does not tell."""
    flags = ctypes.c_uint32(0xFFFF_FFFF)
    root = ctypes.create_unicode_buffer(f"{folder.resolve().anchor}")
    ctypes.windll.kernel32.GetVolumeInformationW(root, None, 0, None, None, ctypes.byref(flags), None, 0)  # type: ignore[attr-defined, unused-ignore]
    return flags.value
