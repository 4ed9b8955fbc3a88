"""The files of labels that the last bundle lists, by image id: most are not in the crawl, so only it names them.

A bundle may come from elsewhere and list any file: a path is returned only if its content is that image, and label
issues that `illsort train` would not write are left out. Thread-safe.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from classifier.errors import ModelError
from classifier.images.hashing import hash_file
from classifier.model.bundle_files import EMBEDDINGS, EVALUATION, read_json
from classifier.model.evaluation_fields import is_label_issue
from classifier.model.labeled_embeddings import load_labeled_paths
from classifier.paths import from_text
from classifier.records import ImageId, time_of

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Mapping

T = TypeVar("T")
_Stamp = tuple[int, int]
_ID: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelIssue:
    """A labeled image whose label `category` is likely wrong; `likely` is the predicted category, `confidence` 0..1.

    `is_there` is whether the labeled file exists.
    """

    image_id: ImageId
    path: str
    category: str
    likely: str
    confidence: float
    is_there: bool = True


class LabelFiles:
    """The labeled images and the label issues of the last bundle; `bundle_of` returns its folder."""

    def __init__(self, bundle_of: Callable[[], Path | None]) -> None:
        self._bundle_of = bundle_of
        self._paths = _BundleFile(EMBEDDINGS, load_labeled_paths)
        self._issues = _BundleFile(EVALUATION, lambda path: {one.image_id: one for one in _issues(read_json(path))})
        self._checked: dict[tuple[ImageId, str], _Stamp] = {}

    def path_of(self, image_id: ImageId) -> Path | None:
        """The file of an image that is labeled or has a label issue; None if it is neither, gone or changed."""
        bundle = self._bundle_of()
        issue = self._issues.read(bundle).get(image_id)
        listed = (self._paths.read(bundle).get(image_id, ""), "" if issue is None else issue.path)
        return next((path for one in listed if (path := self._holding(image_id, one)) is not None), None)

    def image_ids(self) -> Container[ImageId]:
        """The labeled images."""
        return self._paths.read(self._bundle_of()).keys()

    def issues(self) -> tuple[LabelIssue, ...]:
        """All label issues, the most likely first; empty where the bundle is gone or lists none."""
        return tuple(replace(one, is_there=_is_file(one.path)) for one in self._issues.read(self._bundle_of()).values())

    def _holding(self, image_id: ImageId, listed: str) -> Path | None:
        """The listed file, if it holds that image.

        The content is hashed once, and again only when size or time change.
        """
        path = _local_path(listed)
        if path is None:
            return None
        try:
            found = _stamp(path)
            if self._checked.get((image_id, listed)) != found:
                if hash_file(path)[1] != image_id:
                    return None
                self._checked[image_id, listed] = found
        except (OSError, ValueError):  # gone, or no path that a system can have
            return None
        return path


class _BundleFile(Generic[T]):
    """What one file of a bundle holds, by image; read again only when the file changes."""

    def __init__(self, name: str, load: Callable[[Path], Mapping[ImageId, T]]) -> None:
        self._name = name
        self._load = load
        self._lock = threading.Lock()
        self._loaded: tuple[Path, _Stamp] | None = None
        self._content: Mapping[ImageId, T] = {}

    def read(self, bundle: Path | None) -> Mapping[ImageId, T]:
        """The content; empty where there is none, or it is damaged."""
        if bundle is None:
            return {}
        path = bundle / self._name
        with self._lock:
            try:
                if self._loaded != (found := (path, _stamp(path))):
                    self._content, self._loaded = self._load(path), found
            except (OSError, ModelError):
                self._content, self._loaded = {}, None
            return self._content


def _issues(evaluation: Mapping[str, Any]) -> Iterator[LabelIssue]:
    found = evaluation.get("doubts")
    labels = found.get("labels") if isinstance(found, dict) else None
    for one in labels if isinstance(labels, list) else ():
        if _is_issue(one):
            yield LabelIssue(
                image_id=ImageId(one["picture"]),
                path=one["path"],
                category=one["category"],
                likely=one["likely"],
                confidence=float(one["confidence"]),
            )


def _is_issue(one: Any) -> bool:
    return (
        isinstance(one, dict)
        and all(isinstance(one.get(key), str) for key in ("picture", "path", "category", "likely"))
        and _ID.fullmatch(one["picture"]) is not None
        and isinstance(one.get("confidence"), int | float)
        and 0 <= one["confidence"] <= 1
        and is_label_issue(one["confidence"])
    )


def _is_file(listed: str) -> bool:
    path = _local_path(listed)
    try:
        return path is not None and path.is_file()
    except (OSError, ValueError):  # in a closed folder, or no path that a system can have
        return False


def _local_path(listed: str) -> Path | None:
    """The listed path; None for none, and for a network path, to which Windows would send credentials."""
    path = from_text(listed)
    return None if not listed or path.drive.startswith("\\\\") else path


def _stamp(path: Path) -> _Stamp:
    status = path.stat()
    return status.st_size, time_of(status)
