"""Label issues: labels of the last bundle that are likely wrong, which of them are left, and the answers to them.

An annotation names an image by its id, whether or not it lies in the library. Training uses it in place of the label;
for an image in the library it counts as any other annotation.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from classifier.catalog import annotation_log
from classifier.catalog.manual_moves import repeats_label
from classifier.catalog.page_answers import LABELS
from classifier.errors import LibraryError
from classifier.paths import displayable, from_text
from classifier.records import Annotation, AnnotationKind, ImageId, Selection
from classifier.web.history import Answer, annotation_values, now

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from classifier.catalog.categories import CategoryAliases
    from classifier.records import ImageId
    from classifier.web.label_files import LabelIssue
    from classifier.web.session import ReviewSession


_AHEAD: Final = 12
"""Issues sent at once, so that the next one is there when one is answered."""


def current_issues(labels: Iterable[LabelIssue], names: CategoryAliases) -> list[LabelIssue]:
    """The issues by the current names of categories; none where two were merged."""
    now = (replace(one, category=names.resolve(one.category), likely=names.resolve(one.likely)) for one in labels)
    return [one for one in now if one.category != one.likely]


def issue_of(review_session: ReviewSession, labels: Iterable[LabelIssue], image_id: ImageId) -> LabelIssue:
    """The issue of this image, by the current names of categories. Raises LibraryError for an image without one."""
    for one in current_issues(labels, review_session.suggestions.names):
        if one.image_id == image_id:
            return one
    raise LibraryError("the label of picture {picture} is not doubted", picture=image_id)


def answer(review_session: ReviewSession, labels: Sequence[LabelIssue], one: Answer) -> None:
    """Store an answer about a label issue at once; a repeated request is not stored twice.

    Raises LibraryError for an image without an issue, or an unknown category.
    """
    about = issue_of(review_session, labels, one.image_id)
    if one.kind is AnnotationKind.WRONG:
        raise LibraryError("say of which category it is, or that it is of none")
    if one.kind is AnnotationKind.RIGHT and one.category not in {
        *review_session.suggestions.categories,
        about.category,
        about.likely,
    }:
        raise LibraryError("there is no category {name!r}", name=one.category)
    steps = _steps(review_session, labels)
    if steps and annotation_values(steps[-1:]) == annotation_values([one]):
        return
    category = one.category if one.kind is AnnotationKind.RIGHT else None
    word = Annotation(
        image_id=one.image_id, kind=one.kind, category=category, origin=LABELS, at=now(), selection=Selection.MODEL
    )
    review_session.record_external(word)


def take_back(review_session: ReviewSession, labels: Sequence[LabelIssue], *, steps: int | None = None) -> None:
    """Undo the last answer about a label that stands, also one of another day.

    `steps` is the number of answers known to the page; with another number nothing is done.
    """
    annotations = _steps(review_session, labels)
    if annotations and steps in {None, len(annotations)}:
        review_session.record_external(replace(annotations[-1], id=0, kind=AnnotationKind.TAKEN_BACK, at=now()))


def issues_state(review_session: ReviewSession, labels: Sequence[LabelIssue], *, library: Path) -> dict[str, Any]:
    """How many issues there are and are left, in all and in the library, the next ones, and how many can be undone.

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
        "here": sum(from_text(one.path).is_relative_to(library) for one in left),
        "steps": len(steps),
        "pictures": [
            {
                "picture": one.image_id,
                "name": displayable(from_text(one.path).name),
                "path": displayable(from_text(one.path)),
                "category": one.category,
                "likely": one.likely,
                "confidence": one.confidence,
            }
            for one in left[:_AHEAD]
        ],
    }


def _steps(review_session: ReviewSession, labels: Sequence[LabelIssue]) -> list[Annotation]:
    """The standing answers about these labels, the oldest first."""
    image_ids = {one.image_id for one in labels}
    annotations = review_session.read(lambda catalog, _: annotation_log.of_origin(catalog, LABELS))
    own = annotation_log.without_retracted(annotation for annotation in annotations if annotation.image_id in image_ids)
    return sorted(chain.from_iterable(own.values()), key=lambda annotation: annotation.id)


def _left(review_session: ReviewSession, labels: Sequence[LabelIssue], steps: Sequence[Annotation]) -> list[LabelIssue]:
    """The open issues: new ones first, then skipped ones, the longest ago first."""
    held = review_session.read(lambda catalog, _: annotation_log.latest(catalog, [one.image_id for one in labels]))
    labels = [one for one in labels if one.likely not in review_session.ruled_out(one.image_id)]
    last = {annotation.image_id: annotation for annotation in steps}
    skipped = {
        image_id: annotation.id for image_id, annotation in last.items() if annotation.kind is AnnotationKind.SKIPPED
    }
    left = [one for one in labels if not _is_answered(one, held)]
    return sorted(left, key=lambda one: skipped.get(one.image_id, 0))


def _is_answered(label: LabelIssue, held: Mapping[ImageId, Annotation]) -> bool:
    """Whether an annotation of the image overrides its label."""
    annotation = held.get(label.image_id)
    if annotation is None or repeats_label(annotation, label.category):
        return False
    return annotation.kind is not AnnotationKind.WRONG or annotation.category == label.category
