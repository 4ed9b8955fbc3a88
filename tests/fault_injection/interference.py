"""What other programs and bad hardware do at the instant of a call, patched around the calls of one child process.

Each function gets the library and the crawl and patches below the filing code, at the calls to the system.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifier.filing import fsops
from classifier.filing.fsops import Disk

if TYPE_CHECKING:
    from collections.abc import Callable

RACER = b"the racer's own "
EDITED = b"edited while it was copied"


def _race(library: Path, crawl: Path) -> None:  # noqa: ARG001 - one signature for all
    """Another program creates each target just before the call that would create it."""

    def take(target: Path) -> None:
        if target.suffix != ".jpg" or "_" in target.name or ".illsort" in target.parts:
            return
        try:
            descriptor = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        except FileExistsError:
            return
        os.write(descriptor, RACER + os.fsencode(target.name))
        os.close(descriptor)

    def around(call: Callable[..., Any], at: int) -> Callable[..., Any]:
        def racing(*arguments: Any, **options: Any) -> Any:
            take(Path(os.fsdecode(arguments[at])))
            return call(*arguments, **options)

        return racing

    for name in ("rename", "replace", "link", "symlink"):
        setattr(os, name, around(getattr(os, name), 1))
    os.supports_follow_symlinks.add(os.link)
    fsops._call = around(fsops._call, 4)


def _spoil(library: Path, crawl: Path) -> None:  # noqa: ARG001
    """The disk stores a wrong byte."""
    copy = Disk.copy

    def spoiled(self: Disk, source: Path, temporary: Path) -> str:
        digest = copy(self, source, temporary)
        with temporary.open("rb+") as file:
            file.seek(5)
            file.write(b"\0")
        return digest

    Disk.copy = spoiled  # type: ignore[method-assign]


def _edit(library: Path, crawl: Path) -> None:  # noqa: ARG001
    """A person edits the source after it was copied."""
    copy = Disk.copy

    def edited(self: Disk, source: Path, temporary: Path) -> str:
        digest = copy(self, source, temporary)
        source.write_bytes(EDITED)
        return digest

    Disk.copy = edited  # type: ignore[method-assign]


def _swap(library: Path, crawl: Path) -> None:  # noqa: ARG001
    """After the scan, each source is replaced by a link to an equal file elsewhere."""
    for path in sorted(crawl.rglob("*.jpg")):
        elsewhere = crawl.parent / "elsewhere" / path.relative_to(crawl)
        elsewhere.parent.mkdir(parents=True, exist_ok=True)
        path.rename(elsewhere)
        path.symlink_to(elsewhere)


def _no_sync(library: Path, crawl: Path) -> None:  # noqa: ARG001
    """The disk cannot sync a copy."""
    fsync = os.fsync

    def failing(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        if path.suffix == ".part":
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        fsync(descriptor)

    os.fsync = failing


INTERFERENCES: dict[str, Callable[[Path, Path], None]] = {
    "race": _race,
    "spoil": _spoil,
    "edit": _edit,
    "swap": _swap,
    "no sync": _no_sync,
}
