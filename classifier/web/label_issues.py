"""Label issues: labels of the last bundle that are likely wrong, which of them are left, and the answers to them.

An annotation names an image by its id, whether or not it lies in the library. Training uses it in place of the label;
for an image in the library it counts as any other annotation.

The bundle may come from elsewhere: entries that `illsort train` would not write are left out, and a file is shown only
if it holds the image it is listed for.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from classifier.catalog import annotation_log
from classifier.errors import LibraryError, ModelError
from classifier.model.bundle_files import EVALUATION, read_json
from classifier.model.evaluation_fields import is_label_issue
from classifier.paths import displayable, from_text
from classifier.records import Annotation, AnnotationKind, PictureId, Selection, time_of
from classifier.web.history import LABELS, Answer, annotation_values, now
from classifier.web.label_paths import local_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from classifier.catalog.categories import CategoryAliases
    from classifier.records import PictureId
    from classifier.web.label_paths import LabelPaths
    from classifier.web.session import ReviewSession


_AHEAD: Final = 12
"""So many are told at once: the next ones are there when one is answered."""


def current_issues(labels: Iterable[LabelIssue], names: CategoryAliases) -> list[LabelIssue]:
    """The issues by the current names of categories; none where two were merged."""
    now = (replace(one, category=names.resolve(one.category), likely=names.resolve(one.likely)) for one in labels)
    return [one for one in now if one.category != one.likely]


def answer(review_session: ReviewSession, labels: Sequence[LabelIssue], one: Answer) -> None:
    """Store an answer about a label issue at once; a repeated request is not stored twice.

    Raises LibraryError for an image without an issue, or an unknown category.
    """
    about = {label.picture: label for label in current_issues(labels, review_session.suggestions.names)}.get(
        one.picture
    )
    if about is None:
        raise LibraryError("the label of picture {picture} is not doubted", picture=one.picture)
    if one.said is AnnotationKind.WRONG:
        raise LibraryError("say of which category it is, or that it is of none")
    if one.said is AnnotationKind.RIGHT and one.category not in {
        *review_session.suggestions.categories,
        about.category,
        about.likely,
    }:
        raise LibraryError("there is no category {name!r}", name=one.category)
    steps = _steps(review_session, labels)
    if steps and annotation_values(steps[-1:]) == annotation_values([one]):
        return
    category = one.category if one.said is AnnotationKind.RIGHT else None
    word = Annotation(
        picture=one.picture, said=one.said, category=category, origin=LABELS, at=now(), selection=Selection.MODEL
    )
    review_session.record_external(word)


def take_back(review_session: ReviewSession, labels: Sequence[LabelIssue], *, steps: int | None = None) -> None:
    """Undo the last answer about a label that stands, also one of another day.

    `steps` is the number of answers known to the page; with another number nothing is done.
    """
    said = _steps(review_session, labels)
    if said and steps in {None, len(said)}:
        review_session.record_external(replace(said[-1], id=0, said=AnnotationKind.TAKEN_BACK, at=now()))


def issues_state(review_session: ReviewSession, labels: Sequence[LabelIssue]) -> dict[str, Any]:
    """How many issues there are and are left, the next ones, and how many answers can be undone.

    A label whose file is gone is no issue; answers about it can still be undone.
    """
    steps, doubted = (
        _steps(review_session, labels),
        current_issues((one for one in labels if one.is_there), review_session.suggestions.names),
    )
    left = _left(review_session, doubted, steps)
    return {
        "of": len(doubted),
        "left": len(left),
        "steps": len(steps),
        "pictures": [
            {
                "picture": one.picture,
                "name": displayable(from_text(one.path).name),
                "category": one.category,
                "likely": one.likely,
                "confidence": one.confidence,
            }
            for one in left[:_AHEAD]
        ],
    }


def _steps(review_session: ReviewSession, labels: Sequence[LabelIssue]) -> list[Annotation]:
    """The standing answers about these labels, the oldest first."""
    pictures = {one.picture for one in labels}
    said = review_session.read(lambda catalog, _: annotation_log.of_origin(catalog, LABELS))
    own = annotation_log.without_retracted(verdict for verdict in said if verdict.picture in pictures)
    return sorted(chain.from_iterable(own.values()), key=lambda verdict: verdict.id)


def _left(review_session: ReviewSession, labels: Sequence[LabelIssue], steps: Sequence[Annotation]) -> list[LabelIssue]:
    """The open issues: new ones first, then skipped ones, the longest ago first."""
    held = review_session.read(lambda catalog, _: annotation_log.latest(catalog, [one.picture for one in labels]))
    labels = [one for one in labels if one.likely not in review_session.ruled_out(one.picture)]
    last = {verdict.picture: verdict for verdict in steps}
    skipped = {picture: verdict.id for picture, verdict in last.items() if verdict.said is AnnotationKind.SKIPPED}
    left = [one for one in labels if not _is_settled(one, held)]
    return sorted(left, key=lambda one: skipped.get(one.picture, 0))


def _is_settled(label: LabelIssue, held: Mapping[PictureId, Annotation]) -> bool:
    """Whether an annotation of the image overrides its label."""
    verdict = held.get(label.picture)
    if verdict is None:
        return False
    return verdict.said is not AnnotationKind.WRONG or verdict.category == label.category


_ID: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelIssue:
    """A labeled image whose label `category` is likely wrong; `likely` is the predicted category, `confidence` 0..1.

    `is_there` is whether the labeled file exists.
    """

    picture: PictureId
    path: str
    category: str
    likely: str
    confidence: float
    is_there: bool = True


class LabelIssueFile:
    """The label issues of the last bundle; `bundle_of` returns its folder. Thread-safe."""

    def __init__(self, files: LabelPaths, bundle_of: Callable[[], Path | None]) -> None:
        self._files = files
        self._bundle_of = bundle_of
        self._lock = threading.Lock()
        self._read: tuple[Path, int, int] | None = None
        self._found: Mapping[PictureId, LabelIssue] = {}

    def read(self) -> tuple[LabelIssue, ...]:
        """All issues, the most likely first; empty where the folder is gone or lists none."""
        return tuple(replace(one, is_there=_is_there(one.path)) for one in self._now().values())

    def path_of(self, picture: PictureId) -> Path | None:
        """The file of an image with a label issue, if it still holds that image."""
        doubt = self._now().get(picture)
        return None if doubt is None else self._files.holding(picture, doubt.path)

    def _now(self) -> Mapping[PictureId, LabelIssue]:
        """By image; read once per training."""
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


def _told(evaluation: Mapping[str, Any]) -> Iterator[LabelIssue]:
    found = evaluation.get("doubts")
    labels = found.get("labels") if isinstance(found, dict) else None
    for doubt in labels if isinstance(labels, list) else ():
        if _is_doubt(doubt):
            yield LabelIssue(
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
        and is_label_issue(doubt["confidence"])
    )


def _is_there(current_issues: str) -> bool:
    path = local_path(current_issues)
    try:
        return path is not None and path.is_file()
    except (OSError, ValueError):  # in a closed folder, or no path that a system can have
        return False
