"""The answers of a person, and the steps that can be undone, read from the annotations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from classifier.catalog import categories
from classifier.catalog.annotation_log import without_retracted
from classifier.catalog.places import place_of
from classifier.errors import LibraryError
from classifier.records import Annotation, AnnotationKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classifier.catalog.connection import Catalog
    from classifier.records import ImageId


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer: an image, what was chosen, and the category."""

    image_id: ImageId
    kind: AnnotationKind
    category: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One undoable step; without annotations where only a category was renamed."""

    id: int
    annotations: tuple[Annotation, ...]
    renames: bool = False


def read_steps(catalog: Catalog, annotations: Sequence[Annotation]) -> list[Step]:
    """The steps that can be undone, the oldest first; `annotations` are all annotations of the page, oldest first."""
    left = {annotation.id for of_it in without_retracted(annotations).values() for annotation in of_it}
    renamings = categories.renaming_steps(catalog)
    steps: dict[int, list[Annotation]] = {number: [] for number in renamings}
    for annotation in annotations:
        if annotation.id in left and annotation.step is not None:
            steps.setdefault(annotation.step, []).append(annotation)
    return [Step(id=number, annotations=tuple(steps[number]), renames=number in renamings) for number in sorted(steps)]


def check_answers(catalog: Catalog, answers: Sequence[Answer], categories: Sequence[str]) -> None:
    """Raise LibraryError for a category that does not exist, or an image that is not in the library."""
    for one in answers:
        if one.kind in {AnnotationKind.RIGHT, AnnotationKind.WRONG} and one.category not in categories:
            raise LibraryError("there is no category {name!r}", name=one.category)
        if place_of(catalog, one.image_id) is None:
            raise LibraryError("there is no picture {picture} in the library", picture=one.image_id)


def now() -> str:
    """The time in UTC, for display; the order is that of step and annotation numbers."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def annotation_values(annotations: Sequence[Answer | Annotation]) -> list[tuple[ImageId, AnnotationKind, str | None]]:
    """Image, kind and category of each answer or annotation, without the time."""
    return [(one.image_id, one.kind, one.category) for one in annotations]
