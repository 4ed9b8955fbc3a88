"""Read-only checks: is this the planned file, does it hold this image, is its disk mounted, can it be linked."""

from __future__ import annotations

import ctypes
import hashlib
import os
import stat
import sys
from contextlib import suppress
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from classifier.catalog.filesystem import file_system_of, lines_of
from classifier.records import ImageId, Method, time_of

if TYPE_CHECKING:
    from classifier.catalog.moves import MoveRecord
    from classifier.catalog.places import LibraryFile
    from classifier.records import ImageFile

NOT_THERE: Final = (FileNotFoundError, NotADirectoryError)
"""The errors of a path at which nothing is."""
_PROTECTED: Final = Path("/proc/sys/fs/protected_hardlinks")
_HAVE_NO_LINKS: Final = frozenset({"vfat", "msdos", "exfat", "hfs", "udf", "iso9660"})
_WINDOWS_HARD_LINKS: Final = 0x0040_0000  # FILE_SUPPORTS_HARD_LINKS


def lstat_or_none(path: Path) -> os.stat_result | None:
    """The status of the file at `path`, of a link itself; None if there is nothing."""
    try:
        return path.lstat()
    except NOT_THERE:
        return None


def matches_stat(found: os.stat_result, planned: ImageFile | MoveRecord) -> bool:
    """Whether size, time, inode and device are as planned; Windows' folder listings give inode and device as 0."""
    same = (found.st_size, time_of(found)) == (planned.size_bytes, planned.mtime_ns)
    identity = (found.st_ino, found.st_dev) == (planned.inode, planned.device)
    return same and (identity or planned.inode == 0)


def is_unchanged(path: Path, planned: ImageFile, image_id: ImageId) -> bool:
    """Whether a regular file is the planned one, or at least has the same content: some disks change their inodes."""
    found = lstat_or_none(path)
    if found is None or not stat.S_ISREG(found.st_mode):
        return False
    return matches_stat(found, planned) or (found.st_size == planned.size_bytes and has_content(path, image_id))


def has_content(path: Path, image_id: ImageId) -> bool:
    """Whether `path` is a regular file (no link) with this content; False if it cannot be read."""
    return file_sha256(path) == image_id


def file_sha256(path: Path) -> ImageId | None:
    """The hash of a regular file (no link); None for anything else, or if it cannot be read."""
    found = lstat_or_none(path)
    if found is None or not stat.S_ISREG(found.st_mode):
        return None
    try:
        with path.open("rb") as file:
            return ImageId(hashlib.file_digest(file, "sha256").hexdigest())
    except OSError:
        return None


def survives_removal(origin: Path, path: Path, image_id: ImageId) -> bool:
    """Whether `path` and `origin` both hold the image, and `origin` still does once `path` is removed.

    Both files are read unless they are one: a person may have put another file at `path`.
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
    # Windows adds this prefix to the stored path.
    return (
        found is not None
        and stat.S_ISLNK(found.st_mode)
        and str(path.readlink()).removeprefix("\\\\?\\") == str(source.absolute())
    )


def link_target(link: bytes) -> os.stat_result | None:
    """What a link leads to; None when nothing is there. OSError where that cannot be told."""
    try:
        return os.stat(link)  # noqa: PTH116 - bytes, as they are kept
    except NOT_THERE:
        return None


def is_same_entry(one: Path, other: Path) -> bool:
    """Whether two paths are the same entry of a folder, however they are spelled or mounted."""
    names = {os.path.normcase(one.name), os.path.normcase(other.name)}
    return one.parent.samefile(other.parent) and len({name.casefold() for name in names}) == 1


def is_crawl_file(place: LibraryFile, seen: os.stat_result) -> bool:
    """Whether a hard link of ours is still the file of the crawl: then a change was made there."""
    with suppress(OSError):
        return place.method is Method.LINK and os.path.samestat(os.lstat(place.source), seen)
    return False


def as_found(place: LibraryFile, found: os.stat_result) -> LibraryFile:
    """The place with size, time, inode and device as they are on the disk now."""
    return replace(place, size_bytes=found.st_size, mtime_ns=time_of(found), inode=found.st_ino, device=found.st_dev)


class Disks:
    """The disks below `root` (with a slash at its end).

    `seen` has the recorded device and the folder of each place found: the device number of a disk may change.
    """

    def __init__(self, root: bytes) -> None:
        self._root = root
        self._folders: dict[bytes, str | None] = {}
        self.seen: set[tuple[str, bytes]] = set()
        self._now: set[tuple[str, str | None]] | None = None

    def has(self, place: LibraryFile) -> bool:
        """Whether the folder of a place, or the nearest existing one above it, is on the recorded disk."""
        device = self._device_of(place.path.rpartition(b"/")[0])
        recorded = str(place.device)
        return device is not None and (device == recorded or (recorded, device) in self._as_now())

    def _as_now(self) -> set[tuple[str, str | None]]:
        """Pairs of recorded and current device."""
        if self._now is None:
            self._now = {(recorded, self._device_of(folder)) for recorded, folder in self.seen}
        return self._now

    def _device_of(self, folder: bytes) -> str | None:
        if folder not in self._folders:
            try:
                self._folders[folder] = str(os.stat(self._root + folder).st_dev)  # noqa: PTH116 - bytes, as kept
            except NOT_THERE:
                above = folder.rpartition(b"/")[0]
                self._folders[folder] = self._device_of(above) if folder else None
            except OSError:
                self._folders[folder] = None
        return self._folders[folder]


class WhyNoLink(StrEnum):
    """Why images are copied instead of linked."""

    OTHER_DISK = "they lie on another disk than the library"
    NO_LINKS = "the library's file system has no hard links"
    OTHER_OWNER = "they belong to another user, and this system lets you link only what is yours"
    REFUSED = "the system refused to link them"


def why_no_link(source: Path, folder: Path) -> WhyNoLink | None:
    """Why `source` cannot be hard-linked into `folder`, which need not exist yet; None if it probably can."""
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
    """Whether Linux refuses a hard link, as it does to files of others that this user may not both read and write."""
    if not hasattr(os, "geteuid") or os.geteuid() == 0 or lines_of(_PROTECTED) != ["1"]:
        return False
    return source.stat().st_uid != os.geteuid() and not os.access(source, os.R_OK | os.W_OK)


def _windows_flags(folder: Path) -> int:  # pragma: no cover - Windows
    """The flags of the volume; all of them if they cannot be read."""
    flags = ctypes.c_uint32(0xFFFF_FFFF)
    root = ctypes.create_unicode_buffer(f"{folder.resolve().anchor}")
    ctypes.windll.kernel32.GetVolumeInformationW(root, None, 0, None, None, ctypes.byref(flags), None, 0)  # type: ignore[attr-defined, unused-ignore]
    return flags.value
