"""Where a labelled picture lies, by its id: most were never in the crawl, so only the model's folder tells.

That folder may come from elsewhere and name any file: one is found only while its content is the picture asked for.
Knows no web and shows nothing; for several threads.
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
    """The labelled pictures of the model that a library was last sorted with; `bundle_of` names its folder."""

    def __init__(self, bundle_of: Callable[[], Path | None]) -> None:
        self._bundle_of = bundle_of
        self._lock = threading.Lock()
        self._read: tuple[Path, _Stamp] | None = None
        self._paths: Mapping[PictureId, str] = {}
        self._checked: dict[tuple[PictureId, str], _Stamp] = {}

    def path_of(self, picture: PictureId) -> Path | None:
        """The file that holds a labelled picture; None when none was labelled so, or it is gone or changed."""
        return self.holding(picture, self._paths_now().get(picture, ""))

    def holding(self, picture: PictureId, named: str) -> Path | None:
        """The file that a model's folder names, if it holds that picture.

        Its content is read once, and again only when its size or time has changed.
        """
        path = near_at_hand(named)
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
        """Where each labelled picture lay when it was learned from, by what the model's folder says now; unchecked."""
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


def near_at_hand(named: str) -> Path | None:
    """The path that a model's folder names; None for none, and on another machine: Windows would tell it the user."""
    path = from_text(named)
    return None if not named or path.drive.startswith("\\\\") else path


def _stamp(path: Path) -> _Stamp:
    status = path.stat()
    return status.st_size, time_of(status)
