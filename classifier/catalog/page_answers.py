"""Answers on the review page: what they make of an image that waits, until they are filed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from classifier.catalog import annotation_log
from classifier.catalog.annotation_log import without_retracted
from classifier.records import Action, Annotation, AnnotationKind, ImageId

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classifier.catalog.connection import Catalog

ORIGIN: Final = "review"
LABELS: Final = "labels"
"""The origin of answers to label issues; their images need not be in the library."""

_WAITING: Final = """
SELECT DISTINCT verdicts.picture, decisions.action FROM verdicts
CROSS JOIN decisions ON decisions.picture = verdicts.picture AND decisions.action IN ('review', 'unknown')
CROSS JOIN places ON places.picture = verdicts.picture
WHERE verdicts.origin IN (?, ?)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerCounts:
    """Of the images in `_review` and `_unknown`, those that the page does not ask about."""

    answered: int
    """Those whose answer is not filed yet."""
    of_no_category: int
    """Those in `_unknown` that a person said are none of these."""
    skipped: int


def annotated_images(catalog: Catalog) -> list[ImageId]:
    """All images that were ever annotated on the page."""
    annotations = [
        annotation for origin in (ORIGIN, LABELS) for annotation in annotation_log.of_origin(catalog, origin)
    ]
    return list(dict.fromkeys(annotation.image_id for annotation in annotations))


def queue_status(held: Annotation | None, last: Sequence[Annotation]) -> tuple[str | None, str | None]:
    """Why an image is kept out of the queue, and its category; None if it is not.

    `held` is its current annotation, `last` are those of the page that stand.
    """
    if held is not None and held.kind in {AnnotationKind.RIGHT, AnnotationKind.NONE}:
        return "answered", held.category
    if last and last[-1].kind is AnnotationKind.SKIPPED:
        return "skipped", None
    return (None, None) if held is None else ("wrong", held.category)


def count_answers(catalog: Catalog) -> AnswerCounts:
    """How many images wait by the disk, but not on the page."""
    waiting = {ImageId(one): action for one, action in catalog.connection.execute(_WAITING, (ORIGIN, LABELS))}
    annotations = list(annotation_log.of_images(catalog, list(waiting)))
    held = annotation_log.exclude_moved(catalog, annotation_log.current(annotations))
    last = without_retracted(annotation for annotation in annotations if annotation.origin == ORIGIN)
    found = Counter(queue_status(held.get(one), last.get(one, ()))[0] for one in waiting)
    none = sum(
        action == Action.UNKNOWN and one in held and held[one].kind is AnnotationKind.NONE
        for one, action in waiting.items()
    )
    return AnswerCounts(answered=found["answered"] - none, of_no_category=none, skipped=found["skipped"])
