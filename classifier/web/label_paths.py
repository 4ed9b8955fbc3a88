"""Paths of labeled images by id: most are not in the crawl, so only the bundle lists them.

A bundle may come from elsewhere and list any file: a path is returned only if its content is that image. Thread-safe.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.errors import ModelError
from classifier.images.hashing import hash_file
from classifier.model.bundle_files import EMBEDDINGS
from classifier.model.labeled_embeddings import load_labeled_paths
from classifier.paths import from_text
from classifier.records import time_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from classifier.records import PictureId

_Stamp = tuple[int, int]


class LabelPaths:
    """The labeled images of the last bundle; `bundle_of` returns its folder."""

    def __init__(self, bundle_of: Callable[[], Path | None]) -> None:
        self._bundle_of = bundle_of
        self._lock = threading.Lock()
        self._read: tuple[Path, _Stamp] | None = None
        self._paths: Mapping[PictureId, str] = {}
        self._checked: dict[tuple[PictureId, str], _Stamp] = {}

    def path_of(self, picture: PictureId) -> Path | None:
        """The file of a labeled image; None if it is not labeled, gone or changed."""
        return self.holding(picture, self._paths_now().get(picture, ""))

    def holding(self, picture: PictureId, named: str) -> Path | None:
        """The listed file, if it holds that image.

        The content is hashed once, and again only when size or time change.
        """
        path = local_path(named)
        if path is None:
            return None
        try:
            found = _stamp(path)
            if self._checked.get((picture, named)) != found:
                if hash_file(path)[1] != picture:
                    return None
                self._checked[picture, named] = found
        except (OSError, ValueError):  # gone, or no path that a system can have
            return None
        return path

    def _paths_now(self) -> Mapping[PictureId, str]:
        """Unchecked paths of the labeled images, as the bundle lists them now."""
        folder = self._bundle_of()
        with self._lock:
            try:
                read = None if folder is None else (folder / EMBEDDINGS, _stamp(folder / EMBEDDINGS))
                if read != self._read:
                    self._paths = {} if read is None else load_labeled_paths(read[0])
                    self._read = read
            except (OSError, ModelError):
                self._paths, self._read = {}, None
            return self._paths


def local_path(named: str) -> Path | None:
    """The listed path; None for none, and for a network path, to which Windows would send credentials."""
    path = from_text(named)
    return None if not named or path.drive.startswith("\\\\") else path


def _stamp(path: Path) -> _Stamp:
    status = path.stat()
    return status.st_size, time_of(status)
