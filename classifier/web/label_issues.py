"""The doubtful labels as the page asks about them: which are left, what is said of them, and what is taken back.

A word is said of a picture by its id, whether or not it lies in the library: training reads it in place of the label,
and where the picture lies in the library it counts there as any other. Knows no web and moves no file.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from classifier.catalog import annotation_log
from classifier.errors import LibraryError
from classifier.paths import displayable, from_text
from classifier.records import Annotation, AnnotationKind, Selection
from classifier.web.history import LABELS, Answer, now, words_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from classifier.catalog.categories import CategoryAliases
    from classifier.records import PictureId
    from classifier.web.label_issue_files import Doubtful
    from classifier.web.session import ReviewSession

_AHEAD: Final = 12
"""So many are told at once: the next ones are there when one is answered."""


def named(labels: Iterable[Doubtful], names: CategoryAliases) -> list[Doubtful]:
    """The same by the categories' names of now; where two became one, there is nothing to doubt."""
    now = (replace(one, category=names.of(one.category), likely=names.of(one.likely)) for one in labels)
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
    own = annotation_log.standing(verdict for verdict in said if verdict.picture in pictures)
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
