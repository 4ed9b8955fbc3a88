"""Disks whose power can be cut: ext4 in files, whose bytes at one instant are all that a cut would leave."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kit.proofs import Stage, stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.records import Method

_SIZE = 16 << 20


def why_not() -> str:
    """Why no power can be cut here; empty when it can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "only root on Linux can mount a file"
    missing = [tool for tool in ("mkfs.ext4", "mount", "umount") if shutil.which(tool) is None]
    if missing:
        return f"{missing[0]} is not installed"
    return "" if Path("/dev/loop-control").exists() else "there are no loop devices"


@dataclass(frozen=True, kw_only=True)
class Machine:
    """One or two disks as files in `folder`, mounted there when its power is on; and the stage that lies on them."""

    folder: Path
    disks: tuple[str, ...]
    stage: Stage

    @contextmanager
    def on(self, *, after_cut: bool = False) -> Iterator[None]:
        """Mount the disks as they were made, or as the last cut left them."""
        with ExitStack() as stack:
            for name in self.disks:
                if not after_cut:
                    shutil.copyfile(self.folder / f"{name}.made", self.folder / f"{name}.disk")
                stack.enter_context(_mounted(self.folder / f"{name}.{'cut' if after_cut else 'disk'}"))
            yield

    def cut(self, *, committed: frozenset[str]) -> None:
        """Keep what the disks hold in this instant; `committed` ones have just written their own log, as they may."""
        for name in committed & frozenset(self.disks):
            # Somebody's sync of another file commits every name on the disk, but not what other files hold.
            with (_mount_point(self.folder / name) / "other").open("wb") as file:
                os.fsync(file.fileno())
        for name in self.disks:
            shutil.copyfile(self.folder / f"{name}.disk", self.folder / f"{name}.cut")


def build(folder: Path, *, method: Method, across: bool, batch: int) -> Machine:
    """A machine with a stage on its disks: the crawl's and the library's, which may be one."""
    disks = ("library", "crawl") if across else ("library",)
    with ExitStack() as stack:
        for name in disks:
            disk = folder / f"{name}.made"
            with disk.open("wb") as file:
                file.truncate(_SIZE)
            subprocess.run(["mkfs.ext4", "-q", "-F", "-m0", "-Enodiscard", disk], check=True, capture_output=True)
            stack.enter_context(_mounted(disk))
        root = _mount_point(folder / disks[-1])
        made = stage(root / "pictures", _mount_point(folder / "library") / "sorted", method=method, batch=batch)
    return Machine(folder=folder, disks=disks, stage=made)


def _mount_point(disk: Path) -> Path:
    return disk.with_name(f"{disk.stem}_mounted")


@contextmanager
def _mounted(disk: Path) -> Iterator[None]:
    folder = _mount_point(disk)
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "ext4", "-o", "loop", disk, folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)
