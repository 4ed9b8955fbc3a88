"""What the catalogue must know of the disk it lies on; must not know SQL, pictures or the crawl."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from classifier.errors import LibraryError

_MOUNTS = Path("/proc/self/mountinfo")
_NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "virtiofs", "ceph", "afs", "glusterfs", "lustre", "fuse", "fuseblk"}
)
_FIELDS_BEFORE_TYPE = 5


def state_folder(library: Path) -> Path:
    """Where a library keeps its state; the folder need not exist."""
    return library / ".illsort"


def make_state_folder(library: Path) -> Path:
    """Make the library and its state folder, durably, where missing; raises LibraryError when the disk refuses."""
    folder = state_folder(library)
    try:
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            sync_folder(library)
            sync_folder(library.parent)
    except OSError as error:
        raise LibraryError(f"cannot use {library} as a library: {error.strerror or error}") from error
    return folder


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable; nothing to do on Windows, which cannot open folders."""
    if sys.platform == "win32":  # pragma: no cover - Windows
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_on_network(folder: Path, *, mounts: Path = _MOUNTS) -> bool:
    """Whether an existing `folder` lies where several machines may write: there SQLite's WAL is not safe.

    Known on Linux by the mount's type (FUSE counts as network, for it may be one) and on Windows by the resolved
    path; False where it cannot be told.
    """
    if sys.platform == "win32":  # pragma: no cover - Windows
        return str(folder.resolve()).startswith("\\\\")
    device = folder.stat().st_dev
    try:
        lines = mounts.read_bytes().splitlines()
    except OSError:
        return False
    wanted = f"{os.major(device)}:{os.minor(device)}".encode()
    return any(_is_network(fields) for fields in map(bytes.split, lines) if fields[2:3] == [wanted])


def _is_network(fields: list[bytes]) -> bool:
    kind = fields[fields.index(b"-", _FIELDS_BEFORE_TYPE) + 1].decode(errors="replace")
    return kind.split(".")[0] in _NETWORK
