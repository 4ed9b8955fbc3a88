"""The sizes of images on the page, and the cache of the small ones on disk.

Only content that a sort has decoded already, in a process that can be killed, or a training run as a label, is decoded
here: the file must still have the hash that it had then. The cache is in the library's state folder, is bounded in
size (the oldest go first), and may be deleted at any time.
"""

from __future__ import annotations

import re
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from classifier.catalog.filesystem import state_folder
from classifier.own_files import READ, make_own_folder, open_own, remove_own, write_own

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from classifier.records import ImageId


SMALL: Final = 320
LARGE: Final = 1600
"""Longest side in pixels."""
FULL: Final = 65_500
"""As much as a JPEG can hold: the image's own size."""
QUALITY: Final = {SMALL: 82, LARGE: 88, FULL: 92}
"""Of JPEG, by the longest side."""

FOLDER: Final = "thumbnails"
LIMIT_BYTES: Final = 1_000_000_000
"""About fifty thousand thumbnails."""
_NAME: Final = re.compile(r"\.?[0-9a-f]{64}\.jpg(\.[0-9a-f-]+\.part)?")
_LEFT: Final = 0.9
"""Share of the limit that remains after a cleanup, so that thousands are removed at once."""


class ThumbnailCache:
    """The cached small images of one library; for several threads and processes."""

    def __init__(self, library: Path, *, limit_bytes: int = LIMIT_BYTES) -> None:
        self._folder = state_folder(library) / FOLDER
        self._limit = limit_bytes
        self._lock = threading.Lock()
        self._held: int | None = None

    def get(self, image_id: ImageId) -> bytes | None:
        """The cached image, or None."""
        try:
            with open_own(self._path(image_id), READ) as file:
                return file.read()
        except OSError:
            return None

    def has(self, image_id: ImageId) -> bool:
        """Whether it is cached."""
        return self._path(image_id).is_file()

    def keep(self, image_id: ImageId, data: bytes) -> None:
        """Cache an image, whole or not at all; a full disk is ignored."""
        path = self._path(image_id)
        try:
            make_own_folder(path.parent)
            write_own(path, data, durably=False)
        except OSError:
            return
        with self._lock:
            if self._held is not None:
                self._held += len(data)

    def tidy(self) -> None:
        """Delete the oldest above the limit. It may take seconds, so it runs in the background."""
        if self._held is not None and self._held <= self._limit:
            return
        found = sorted(self._found())
        held = sum(size for _, size, _ in found)
        if held > self._limit:
            for _, size, path in found:
                if held <= self._limit * _LEFT:
                    break
                with suppress(OSError):
                    remove_own(path, wait=False)
                held -= size
        with self._lock:
            self._held = held

    def held(self) -> int:
        """The size of the cache in bytes, measured now."""
        return sum(size for _, size, _ in self._found())

    def _found(self) -> Iterator[tuple[int, int, Path]]:
        """Time, size and path of each cached image, and of partial files that a kill left."""
        for path in self._folder.glob("??/*"):
            if not _NAME.fullmatch(path.name):
                continue
            try:
                status = path.stat()
            except OSError:
                continue
            yield status.st_mtime_ns, status.st_size, path

    def _path(self, image_id: ImageId) -> Path:
        return self._folder / image_id[:2] / f"{image_id}.jpg"
