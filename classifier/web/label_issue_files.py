"""The doubtful labels that a model's folder tells of, and whether their files are there; knows no desk and no web.

That folder may come from elsewhere: what is no doubt as `illsort train` writes them is left out, and no file is shown
but one that holds the picture it is said to hold.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from classifier.errors import ModelError
from classifier.model.bundle_files import EVALUATION, read_json
from classifier.model.label_issues import is_doubtful
from classifier.records import PictureId, time_of
from classifier.web.label_paths import near_at_hand

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from classifier.web.label_paths import LabelPaths

_ID: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubtful:
    """A labelled picture whose label, `category`, may be wrong: rather it shows `likely`, so probably, 0..1.

    `is_there` says whether the labelled file is where it was.
    """

    picture: PictureId
    path: str
    category: str
    likely: str
    confidence: float
    is_there: bool = True


class DoubtfulLabels:
    """Those of the model that a library was last sorted with; `bundle_of` names its folder. For several threads."""

    def __init__(self, files: LabelPaths, bundle_of: Callable[[], Path | None]) -> None:
        self._files = files
        self._bundle_of = bundle_of
        self._lock = threading.Lock()
        self._read: tuple[Path, int, int] | None = None
        self._found: Mapping[PictureId, Doubtful] = {}

    def read(self) -> tuple[Doubtful, ...]:
        """The most doubtful first. None where the folder is gone or tells of none."""
        return tuple(replace(one, is_there=_is_there(one.path)) for one in self._now().values())

    def path_of(self, picture: PictureId) -> Path | None:
        """The file with a doubted label, which the model no longer learns from when it is none of its categories."""
        doubt = self._now().get(picture)
        return None if doubt is None else self._files.holding(picture, doubt.path)

    def _now(self) -> Mapping[PictureId, Doubtful]:
        """By picture; read once for each training."""
        folder = self._bundle_of()
        if folder is None:
            return {}
        with self._lock:
            try:
                status = (path := folder / EVALUATION).stat()
                now = (path, status.st_size, time_of(status))
                if self._read != now:
                    self._found = {doubt.picture: doubt for doubt in _told(read_json(path))}
                    self._read = now
            except (OSError, ModelError):
                self._found, self._read = {}, None
            return self._found


def _told(evaluation: Mapping[str, Any]) -> Iterator[Doubtful]:
    found = evaluation.get("doubts")
    labels = found.get("labels") if isinstance(found, dict) else None
    for doubt in labels if isinstance(labels, list) else ():
        if _is_doubt(doubt):
            yield Doubtful(
                picture=PictureId(doubt["picture"]),
                path=doubt["path"],
                category=doubt["category"],
                likely=doubt["likely"],
                confidence=float(doubt["confidence"]),
            )


def _is_doubt(doubt: Any) -> bool:
    return (
        isinstance(doubt, dict)
        and all(isinstance(doubt.get(key), str) for key in ("picture", "path", "category", "likely"))
        and _ID.fullmatch(doubt["picture"]) is not None
        and isinstance(doubt.get("confidence"), int | float)
        and 0 <= doubt["confidence"] <= 1
        and is_doubtful(doubt["confidence"])
    )


def _is_there(named: str) -> bool:
    path = near_at_hand(named)
    try:
        return path is not None and path.is_file()
    except (OSError, ValueError):  # in a closed folder, or no path that a system can have
        return False
