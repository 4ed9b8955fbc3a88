"""Read-only checks: is this the planned file, does it hold this image, is its disk mounted, can it be linked."""

from __future__ import annotations

import ctypes
import hashlib
import os
import stat
import sys
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from classifier.catalog.filesystem import file_system_of, lines_of
from classifier.records import ImageId, Method, time_of

if TYPE_CHECKING:
    from classifier.catalog.moves import MoveRecord
    from classifier.catalog.places import LibraryFile
    from classifier.records import ImageFile


def lstat_or_none(path: Path) -> os.stat_result | None:
    """What lies at `path`, a link itself and not what it points to; None when nothing does."""
    try:
        return path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None


def matches_stat(found: os.stat_result, planned: ImageFile | MoveRecord) -> bool:
    """Whether size, time, inode and device are as planned; Windows' folder listings give inode and device as 0."""
    same = (found.st_size, time_of(found)) == (planned.size_bytes, planned.mtime_ns)
    identity = (found.st_ino, found.st_dev) == (planned.inode, planned.device)
    return same and (identity or planned.inode == 0)


def is_unchanged(path: Path, planned: ImageFile, image_id: ImageId) -> bool:
    """Whether a regular file is the one planned, or at least holds the same picture: some disks change their inodes."""
    found = lstat_or_none(path)
    if found is None or not stat.S_ISREG(found.st_mode):
        return False
    return matches_stat(found, planned) or (found.st_size == planned.size_bytes and has_content(path, image_id))


def has_content(path: Path, image_id: ImageId) -> bool:
    """Whether `path` is a regular file, no link, with exactly this content; False when it cannot be read."""
    return file_sha256(path) == image_id


def file_sha256(path: Path) -> ImageId | None:
    """The content of a regular file, no link; None when it is none or cannot be read."""
    found = lstat_or_none(path)
    if found is None or not stat.S_ISREG(found.st_mode):
        return None
    try:
        with path.open("rb") as file:
            return ImageId(hashlib.file_digest(file, "sha256").hexdigest())
    except OSError:
        return None


def survives_removal(origin: Path, path: Path, image_id: ImageId) -> bool:
    """Whether what `path` holds is the image, and `origin` holds it too and goes on doing so when `path` is removed.

    Both files are read unless they are one: a person may have put another at `path`.
    """
    found = lstat_or_none(origin)
    if found is None or not stat.S_ISREG(found.st_mode):
        return False
    if os.path.samestat(found, path.lstat()):
        return found.st_nlink > 1 and not is_same_entry(origin, path)
    return has_content(origin, image_id) and has_content(path, image_id)


def is_link_to(path: Path, source: Path) -> bool:
    """Whether `path` is a symbolic link to exactly this path."""
    found = lstat_or_none(path)
    # Windows puts this before what it keeps.
    return (
        found is not None
        and stat.S_ISLNK(found.st_mode)
        and str(path.readlink()).removeprefix("\\\\?\\") == str(source.absolute())
    )


def is_same_entry(one: Path, other: Path) -> bool:
    """Whether two paths are one and the same entry of a folder, however they are spelled or mounted."""
    names = {os.path.normcase(one.name), os.path.normcase(other.name)}
    return one.parent.samefile(other.parent) and len({name.casefold() for name in names}) == 1


def is_crawl_file(place: LibraryFile, seen: os.stat_result) -> bool:
    """Whether a hard link of ours still is the crawl's file, so that it was rewritten there."""
    with suppress(OSError):
        return place.method is Method.LINK and os.path.samestat(os.lstat(place.source), seen)
    return False


class Disks:
    """The disks below `root` (with a slash at its end).

    `seen` has the recorded disk and the folder of places that are there: a disk may have another number than it had.
    """

    def __init__(self, root: bytes) -> None:
        self._root = root
        self._folders: dict[bytes, str | None] = {}
        self.seen: set[tuple[str, bytes]] = set()
        self._now: set[tuple[str, str | None]] | None = None

    def has(self, place: LibraryFile) -> bool:
        """Whether the folder of a place, or the nearest above it that is there, is on the disk that it was on."""
        device = self._device_of(place.path.rpartition(b"/")[0])
        recorded = str(place.device)
        return device is not None and (device == recorded or (recorded, device) in self._as_now())

    def _as_now(self) -> set[tuple[str, str | None]]:
        """Recorded disks with those that they are now."""
        if self._now is None:
            self._now = {(recorded, self._device_of(folder)) for recorded, folder in self.seen}
        return self._now

    def _device_of(self, folder: bytes) -> str | None:
        if folder not in self._folders:
            try:
                self._folders[folder] = str(os.stat(self._root + folder).st_dev)  # noqa: PTH116 - bytes, as kept
            except (FileNotFoundError, NotADirectoryError):
                above = folder.rpartition(b"/")[0]
                self._folders[folder] = self._device_of(above) if folder else None
            except OSError:
                self._folders[folder] = None
        return self._folders[folder]


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
