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
from classifier.web.history import LABELS, Answer, now, words_of
from classifier.web.label_paths import near_at_hand

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from classifier.catalog.categories import CategoryAliases
    from classifier.records import PictureId
    from classifier.web.label_paths import LabelPaths
    from classifier.web.session import ReviewSession


_AHEAD: Final = 12
"""So many are told at once: the next ones are there when one is answered."""


def named(labels: Iterable[Doubtful], names: CategoryAliases) -> list[Doubtful]:
    """The same by the categories' names of now; where two became one, there is nothing to doubt."""
    now = (replace(one, category=names.resolve(one.category), likely=names.resolve(one.likely)) for one in labels)
    return [one for one in now if one.category != one.likely]


def answer(desk: ReviewSession, labels: Sequence[Doubtful], one: Answer) -> None:
    """Store at once what is said of a doubtful label; told again because its answer was lost, it is not stored twice.

    Raises LibraryError for a picture whose label is not doubted, or a category that does not exist.
    """
    about = {label.picture: label for label in named(labels, desk.guesses.names)}.get(one.picture)
    if about is None:
        raise LibraryError(f"the label of picture {one.picture} is not doubted")
    if one.said is AnnotationKind.WRONG:
        raise LibraryError("say of which category it is, or that it is of none")
    if one.said is AnnotationKind.RIGHT and one.category not in {
        *desk.guesses.categories,
        about.category,
        about.likely,
    }:
        raise LibraryError(f"there is no category {one.category!r}")
    steps = _steps(desk, labels)
    if steps and words_of(steps[-1:]) == words_of([one]):
        return
    category = one.category if one.said is AnnotationKind.RIGHT else None
    word = Annotation(
        picture=one.picture, said=one.said, category=category, origin=LABELS, at=now(), selection=Selection.MODEL
    )
    desk.hear(word)


def take_back(desk: ReviewSession, labels: Sequence[Doubtful], *, steps: int | None = None) -> None:
    """Take back what was said last of the labels and stands, also on another day.

    `steps` is how many stand as far as the asker knows: with another number nothing is done.
    """
    said = _steps(desk, labels)
    if said and steps in {None, len(said)}:
        desk.hear(replace(said[-1], id=0, said=AnnotationKind.TAKEN_BACK, at=now()))


def told(desk: ReviewSession, labels: Sequence[Doubtful]) -> dict[str, Any]:
    """How many labels are doubted and how many are left, the next ones, and how many steps can be taken back.

    A label whose file is gone is none any more; what was said of it can still be taken back.
    """
    steps, doubted = _steps(desk, labels), named((one for one in labels if one.is_there), desk.guesses.names)
    left = _left(desk, doubted, steps)
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


def _steps(desk: ReviewSession, labels: Sequence[Doubtful]) -> list[Annotation]:
    """What was said here of these labels and stands, the oldest first."""
    pictures = {one.picture for one in labels}
    said = desk.read(lambda catalog, _: annotation_log.of_origin(catalog, LABELS))
    own = annotation_log.without_retracted(verdict for verdict in said if verdict.picture in pictures)
    return sorted(chain.from_iterable(own.values()), key=lambda verdict: verdict.id)


def _left(desk: ReviewSession, labels: Sequence[Doubtful], steps: Sequence[Annotation]) -> list[Doubtful]:
    """What is to be asked about: first what was not looked at, then what was skipped, the longest ago first."""
    held = desk.read(lambda catalog, _: annotation_log.latest(catalog, [one.picture for one in labels]))
    labels = [one for one in labels if one.likely not in desk.ruled_out(one.picture)]
    last = {verdict.picture: verdict for verdict in steps}
    skipped = {picture: verdict.id for picture, verdict in last.items() if verdict.said is AnnotationKind.SKIPPED}
    left = [one for one in labels if not _is_settled(one, held)]
    return sorted(left, key=lambda one: skipped.get(one.picture, 0))


def _is_settled(label: Doubtful, held: Mapping[PictureId, Annotation]) -> bool:
    """Whether what a person said of the picture, anywhere, goes before its label."""
    verdict = held.get(label.picture)
    if verdict is None:
        return False
    return verdict.said is not AnnotationKind.WRONG or verdict.category == label.category


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
        and is_label_issue(doubt["confidence"])
    )


def _is_there(named: str) -> bool:
    path = near_at_hand(named)
    try:
        return path is not None and path.is_file()
    except (OSError, ValueError):  # in a closed folder, or no path that a system can have
        return False
