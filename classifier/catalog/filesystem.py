"""The state folder of a library and the file system it is on."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from classifier.errors import LibraryError, message_of
from classifier.own_files import STATE, flush_to_disk, make_own_folder, problem_with

_MOUNTS: Final = Path("/proc/self/mountinfo")
_NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "virtiofs", "ceph", "afs", "glusterfs", "lustre", "fuse", "fuseblk"}
)
_CHANGED_IN_PLACE: Final = ("catalogue.sqlite", "moves.jsonl", "lock")


def state_folder(library: Path) -> Path:
    """The folder with a library's state; it need not exist."""
    return library / STATE


def make_state_folder(library: Path) -> Path:
    """Create the library and its state folder, durably, where missing.

    Raises LibraryError when the disk refuses, or the folder contains something that illsort may not change.
    """
    folder = check_state(library, changing=True)
    with _refusals_named(library):
        if not folder.is_dir():
            library.mkdir(parents=True, exist_ok=True)
            make_own_folder(folder)
            sync_folder(library)
            sync_folder(library.parent)
    return folder


def check_state(library: Path, *, changing: bool = False) -> Path:
    """The state folder of a library, after checking that neither it nor its content is a link.

    With `changing`, files that are changed in place may not be hard links either. Raises LibraryError.
    """
    folder = state_folder(library)
    with _refusals_named(library):
        problem = _problem(folder, changing=False)
        names = os.listdir(folder) if problem is None and folder.is_dir() else []  # noqa: PTH208 - names are wanted
        for name in names:
            in_place = changing and name.startswith(_CHANGED_IN_PLACE)
            problem = problem or _problem(folder / name, changing=in_place)
    if problem is not None:
        raise LibraryError(message_of(problem))
    return folder


def not_a_library(library: Path, catalog: Path) -> LibraryError:
    """The error of a folder that is not there, or has no catalog."""
    if not library.exists():
        return LibraryError("{path}: there is no such folder", path=library)
    file = catalog.relative_to(library).as_posix()
    return LibraryError("{library} is not an illsort library: it has no {file}", library=library, file=file)


@contextmanager
def _refusals_named(library: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LibraryError(
            "cannot use {library} as a library: {why}", library=library, why=message_of(error)
        ) from error


def _problem(path: Path, *, changing: bool) -> OSError | None:
    with suppress(FileNotFoundError, NotADirectoryError):  # a log that SQLite has just removed
        return problem_with(path, path.lstat(), changing=changing)
    return None


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable; does nothing on Windows, which cannot open folders."""
    if sys.platform == "win32":  # pragma: no cover - Windows
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        flush_to_disk(descriptor)
    finally:
        os.close(descriptor)


def is_on_network(folder: Path, *, mounts: Path = _MOUNTS) -> bool:
    """Whether an existing `folder` is on a network file system, where SQLite's WAL mode is not safe.

    On Linux by the mount's type (FUSE counts as network, for it may be), on Windows by the resolved path; else False.
    """
    if sys.platform == "win32":  # pragma: no cover - Windows
        return str(folder.resolve()).startswith("\\\\")
    return file_system_of(folder, mounts=mounts).split(".")[0] in _NETWORK


def file_system_of(folder: Path, *, mounts: Path = _MOUNTS) -> str:
    """The file system type of an existing `folder`, as Linux lists it; empty if unknown."""
    device = folder.stat().st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    for before, _, after in (line.partition(" - ") for line in lines_of(mounts)):
        if before.split()[2:3] == [wanted]:
            return after.partition(" ")[0]
    return ""


def lines_of(path: Path) -> list[str]:
    """The lines of a system file such as mountinfo; none if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
