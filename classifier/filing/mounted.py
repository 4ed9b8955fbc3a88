"""Which disks a library's folders lie on: the folder of a disk that is away is empty, and its files are not gone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from classifier.catalog.places import LibraryFile


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
