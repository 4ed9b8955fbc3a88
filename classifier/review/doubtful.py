"""The doubtful labels that a model's folder tells of, each with the id of its picture; knows no desk and no web.

That folder may come from elsewhere: what is no doubt as `illsort train` writes them is left out.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifier.errors import ModelError
from classifier.model.files import EVALUATION, read_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from classifier.records import PictureId
    from classifier.review.labelled_files import LabelledFiles


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubtful:
    """A labelled picture whose label, `category`, may be wrong: rather it shows `likely`, so probably, 0..1."""

    picture: PictureId
    name: str
    category: str
    likely: str
    confidence: float


class DoubtfulLabels:
    """Those of the model that a library was last sorted with; `bundle_of` names its folder. For several threads."""

    def __init__(self, files: LabelledFiles, bundle_of: Callable[[], Path | None]) -> None:
        self._files = files
        self._bundle_of = bundle_of
        self._lock = threading.Lock()
        self._read: tuple[Path, int, int] | None = None
        self._paths: Mapping[PictureId, str] = {}
        self._found: tuple[Doubtful, ...] = ()

    def read(self) -> tuple[Doubtful, ...]:
        """The most doubtful first; read once for each training. None where the folder is gone or tells of none."""
        folder, paths = self._bundle_of(), self._files.paths()
        if folder is None:
            return ()
        with self._lock:
            try:
                status = (path := folder / EVALUATION).stat()
                now = (path, status.st_size, status.st_mtime_ns)
                if self._read != now or self._paths is not paths:
                    self._found = tuple(_known(read_json(path), paths))
                    self._read, self._paths = now, paths
            except (OSError, ModelError):
                self._found, self._read = (), None
            return self._found


def _known(evaluation: Mapping[str, Any], paths: Mapping[PictureId, str]) -> Iterator[Doubtful]:
    """The doubts whose picture is known by its id."""
    found = evaluation.get("doubts")
    labels = found.get("labels") if isinstance(found, dict) else None
    pictures = {path: picture for picture, path in paths.items() if path}
    for doubt in labels if isinstance(labels, list) else ():
        if not _is_doubt(doubt) or (picture := pictures.pop(doubt["path"], None)) is None:
            continue
        yield Doubtful(
            picture=picture,
            name=Path(doubt["path"]).name,
            category=doubt["category"],
            likely=doubt["likely"],
            confidence=float(doubt["confidence"]),
        )


def _is_doubt(doubt: Any) -> bool:
    return (
        isinstance(doubt, dict)
        and all(isinstance(doubt.get(key), str) for key in ("path", "category", "likely"))
        and isinstance(doubt.get("confidence"), int | float)
        and 0 <= doubt["confidence"] <= 1
    )
