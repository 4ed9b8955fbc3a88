"""Names that are no picture of a person's: files and folders of operating systems, and downloads that go on.

Looks at names alone, whatever their case; must not open anything.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Container

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
"""Pieces of yt-dlp's, and what Nextcloud's client writes while it fetches."""

_CONTROL_FILES: Final = (".aria2", ".st")
"""aria2 and axel write to the file's own name, and keep what is missing in such a file beside it until it is whole."""

_MARK_OF_SAFARI: Final = "Info.plist"


def is_system_folder(name: str) -> bool:
    """Whether a folder of this name holds trash, thumbnails or what a system keeps for itself."""
    lower = name.lower()
    return lower in _SYSTEM_FOLDERS or _TRASH_OF_A_USER.fullmatch(lower) is not None


def is_system_file(name: str) -> bool:
    """Whether a file of this name is a system's note on its folder."""
    return name.lower() in _SYSTEM_FILES


def may_be_apple_double(name: str) -> bool:
    """Whether macOS may have written the file: its properties of the file named without the "._"."""
    return name.startswith("._")


def is_unfinished(name: str, *, beside: Container[str], is_empty: bool) -> bool:
    """Whether a downloader is not done with a file of this name; `beside` are those in its folder that mark others.

    An empty file with an unfinished one of its name beside it holds the place for that (Firefox).
    """
    ending = _ending(name)
    if ending in _UNFINISHED or _FRAGMENT.fullmatch(ending):
        return True
    endings = (*_CONTROL_FILES, *_UNFINISHED) if is_empty else _CONTROL_FILES
    return any(name + control in beside for control in endings)


def marks_another(name: str) -> bool:
    """Whether a file of this name may tell that one beside it is unfinished."""
    ending = _ending(name)
    return ending in _UNFINISHED or ending in _CONTROL_FILES


def may_be_unfinished_folder(name: str) -> str | None:
    """The name of the file that shows a folder of this name to be a download of Safari; None when it cannot be one."""
    return _MARK_OF_SAFARI if name.lower().endswith(".download") else None


def _ending(name: str) -> str:
    return name[name.rfind(".") :].lower() if "." in name else ""
