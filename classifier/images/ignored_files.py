"""Files that are ignored: those of operating systems, unfinished downloads, and files that are still being written.

The first two are recognized by name, in any case; the last by a second look at the file, and on Linux by the kernel.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from classifier.images.safe_open import image_file

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from classifier.images.walk_result import WalkResult
    from classifier.records import ImageFile

SECOND_LOOK_S = 1.0
"""How long after its first look a file that was changed just now is looked at again."""

_FRESH_S: Final = 5
_RECENT_S: Final = 600

_SYSTEM_FOLDERS: Final = frozenset(
    {
        # Trash, on Linux, macOS, Windows, Synology, QNAP and digiKam.
        *(".trash", ".trashes", "$recycle.bin", "recycler", "recycled", "#recycle", "@recycle", ".dtrash"),
        # Thumbnails: Synology, QNAP, the freedesktop standard, GIMP and xv, elFinder.
        *("@eadir", ".@__thumb", ".thumbnails", ".xvpics", ".tmb"),
        # What file systems keep for themselves, and their snapshots.
        *("system volume information", "lost+found", "#snapshot", "@recently-snapshot", ".snapshot", ".zfs"),
        # What macOS writes on other disks and into archives, and Syncthing beside its files.
        *(".spotlight-v100", ".fseventsd", ".temporaryitems", ".documentrevisions-v100", "__macosx"),
        *(".appledouble", ".appledb", ".appledesktop", "network trash folder", "temporary items"),
        *(".stversions", ".stfolder"),
    }
)
_TRASH_OF_A_USER: Final = re.compile(r"\.trash-\d+")

_SYSTEM_FILES: Final = frozenset(
    {
        *("thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini"),
        *(".ds_store", ".localized", "icon\r", ".directory", ".nomedia", ".picasa.ini", "picasa.ini"),
    }
)

_UNFINISHED: Final = frozenset(
    {
        # gallery-dl, yt-dlp, Firefox, JDownloader, Transmission, eMule; and yt-dlp's notes.
        *(".part", ".ytdl"),
        # Chrome and Edge; Safari and older Firefox; Opera; Internet Explorer and rclone; Free Download Manager.
        *(".crdownload", ".download", ".opdownload", ".partial", ".fdmdownload"),
        # aria2 and Motrix; DownThemAll; WinSCP; GetRight; FlashGet; Orbit.
        *(".aria2", ".aria2__temp", ".dtapart", ".filepart", ".getright", ".jc!", ".ob!"),
        # qBittorrent, uTorrent, BitComet, Vuze; Thunder; Baidu.
        *(".!qb", ".!ut", ".!bt", ".bc!", ".az!", ".td", ".xltd", ".downloading"),
        # Windows' own, wget, Syncthing and many more.
        *(".tmp", ".temp", ".incomplete"),
    }
)
_FRAGMENT: Final = re.compile(r"\.part-frag\d+|\.~[0-9a-f]+")
"""Fragments of yt-dlp, and what Nextcloud's client writes while it downloads."""

_CONTROL_FILES: Final = (".aria2", ".st")
"""aria2 and axel write to the final name, with such a control file beside it until it is complete."""

_SAFARI_MARKER: Final = "Info.plist"


def is_system_folder(name: str) -> bool:
    """Whether a folder of this name contains trash, thumbnails or files of the system."""
    lower = name.lower()
    return lower in _SYSTEM_FOLDERS or _TRASH_OF_A_USER.fullmatch(lower) is not None


def is_system_file(name: str) -> bool:
    """Whether a file of this name describes its folder for the system."""
    return name.lower() in _SYSTEM_FILES


def may_be_apple_double(name: str) -> bool:
    """Whether macOS may have written the file, with attributes of the file without "._"."""
    return name.startswith("._")


def is_unfinished(name: str, *, beside: Collection[str], is_empty: bool) -> bool:
    """Whether a file of this name is an unfinished download; `beside` are the control files in its folder.

    Firefox keeps an empty file under the final name beside the unfinished one.
    """
    extension = _extension(name)
    if extension in _UNFINISHED or _FRAGMENT.fullmatch(extension):
        return True
    if not beside:
        return False
    endings = (*_CONTROL_FILES, *_UNFINISHED) if is_empty else _CONTROL_FILES
    return any(name + control in beside for control in endings)


def is_control_file(name: str) -> bool:
    """Whether a file of this name may be a control file: one that shows another beside it to be unfinished."""
    extension = _extension(name)
    return extension in _UNFINISHED or extension in _CONTROL_FILES


def may_be_unfinished_folder(name: str) -> str | None:
    """The file that shows a folder of this name to be a download of Safari; None if it cannot be one."""
    return _SAFARI_MARKER if name.lower().endswith(".download") else None


def _extension(name: str) -> str:
    return name[name.rfind(".") :].lower() if "." in name else ""


def skip_incomplete(files: Iterable[ImageFile], found: WalkResult, *, check_all: bool = False) -> Iterator[ImageFile]:
    """The files that no process writes to; the others count as unfinished in `found`.

    Files changed in the last five seconds come last, if a second look finds them unchanged. For files changed in the
    last ten minutes (with `check_all`, for every file) the kernel is asked, on Linux, whether a process has them open
    for writing.
    """
    fresh: list[ImageFile] = []
    looked_at = time.monotonic()
    for file in files:
        age_s = abs(time.time_ns() - file.mtime_ns) / 1e9
        if age_s < _FRESH_S:
            fresh.append(file)
            looked_at = time.monotonic()
        elif (check_all or age_s < _RECENT_S) and is_being_written(file.path):
            found.count_as_unfinished()
        else:
            yield file
    if fresh:
        time.sleep(max(0.0, looked_at + SECOND_LOOK_S - time.monotonic()))
    for file in fresh:
        if _has_changed(file) or is_being_written(file.path):
            found.count_as_unfinished()
        else:
            yield file


def skip_written(files: Iterable[ImageFile], found: WalkResult) -> Iterator[ImageFile]:
    """As `skip_incomplete`, in the order of `files`: only the kernel is asked, and no second look is taken."""
    for file in files:
        if abs(time.time_ns() - file.mtime_ns) / 1e9 < _RECENT_S and is_being_written(file.path):
            found.count_as_unfinished()
        else:
            yield file


def _has_changed(file: ImageFile) -> bool:
    try:
        status = file.path.stat()
    except OSError:  # renamed when it was completed
        return True
    return image_file(file.path, status) != file


def is_being_written(path: Path) -> bool:
    """Whether a process has the file open for writing; False if that cannot be known.

    Linux grants a read lease only on a file that no process has open for writing. It is returned at once; if a
    writer opens the file in between, the signal sent is one that is ignored by default.
    """
    if sys.platform != "linux":
        return False
    import fcntl  # noqa: PLC0415 - POSIX has it, Windows has not

    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    else:
        return False
    finally:
        os.close(descriptor)
