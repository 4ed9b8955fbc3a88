"""Labels from a library: annotations made in review, and category folders that a person filled by hand.

The latest annotation of an image takes precedence over older labels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from classifier.catalog import annotation_log, runs
from classifier.catalog.categories import CategoryAliases, nfc, read_aliases
from classifier.catalog.category_folders import read_known
from classifier.catalog.connection import Catalog, read_catalog
from classifier.catalog.places import all_places, place_of
from classifier.catalog.values import to_bytes, to_path
from classifier.category_names import MOST_LEVELS, at_depth, check_names
from classifier.errors import LabelsError, Message
from classifier.images.walk_result import WalkResult
from classifier.labels.load import category_folders, images_in
from classifier.records import Annotation, AnnotationKind, Example, ImageId, Label, Selection


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """The latest annotations, labels of the annotated images in the library, and renamed categories."""

    labels: tuple[Label, ...] = ()
    annotations: Mapping[ImageId, Annotation] = field(default_factory=dict)
    names: CategoryAliases = field(default_factory=CategoryAliases)
    deeper: int = 0
    """How many of the labels were of categories with more levels."""

    def with_current_names(self, labels: tuple[Label, ...]) -> tuple[Label, ...]:
        """The labels under the current names of their categories; sorted by category and path."""
        renamed = (replace(label, category=self.names.resolve(label.category)) for label in labels)
        return tuple(sorted(renamed, key=lambda label: (label.category, label.path)))

    def apply(self, example: Example) -> Example:
        """The example with the category of its annotation; without one if it was annotated as wrong.

        It is not left out: if it was drawn at random, the error rate would miss a mistake.
        """
        annotation = self.annotations.get(example.image_id)
        if annotation is None:
            return example
        if annotation.kind is AnnotationKind.RIGHT and annotation.category is not None:
            return replace(example, label=replace(example.label, category=annotation.category))
        if annotation.kind is not AnnotationKind.NONE and annotation.category != example.label.category:
            return example
        return replace(example, label=replace(example.label, category=""))


def read_feedback(library: Path | None, *, depth: int = MOST_LEVELS) -> Feedback:
    """The annotations of `library` (None: none), of categories up to `depth` levels, which deeper ones count as.

    Raises LibraryError if it is not a library.
    """
    if library is None:
        return Feedback()
    with read_catalog(library) as catalog:
        latest = annotation_log.latest(catalog)
        annotations = dict(_at_depth(latest, depth))
        labels = []
        for image_id, annotation in annotations.items():
            place = place_of(catalog, image_id)
            if place is not None and annotation.kind is AnnotationKind.RIGHT and annotation.category is not None:
                selection = _selection(annotation)
                labels.append(
                    Label(path=library / to_path(place.path), category=annotation.category, selection=selection)
                )
        names = read_aliases(catalog)
    deeper = sum(annotations[image_id] != one for image_id, one in latest.items() if image_id in annotations)
    return Feedback(labels=tuple(labels), annotations=annotations, names=names, deeper=deeper)


def placed_by_hand(catalog: Catalog, library: Path, *, depth: int = 1) -> dict[str, int]:
    """How many images of each category folder illsort did not put there; empty unless `illsort label` was used here.

    Training reads them as labels; `depth` levels of folders make a category, or more where the library has nested ones.
    Folders that cannot be listed are left out.
    """
    if not runs.has_run_of_kind(catalog, "label"):
        return {}
    known = {place.path for place in all_places(catalog)}
    categories = replace(read_known(catalog.connection), least_depth=depth)
    counts: Counter[str] = Counter()
    for folder in category_folders(library):
        try:
            found = WalkResult()
            paths = set(images_in(folder, found)) - {path for path, _ in found.refused}
        except OSError:
            continue
        within = [path.relative_to(library) for path in paths]
        counts.update(nfc(categories.category_of(path.parts[:-1])) for path in within if to_bytes(path) not in known)
    return dict(counts)


def usable_names(found: Sequence[str], known: Sequence[str], *, where: str) -> tuple[list[str], list[Message]]:
    """The names in `found` that are allowed beside the `known` ones, and an error for each that is not."""
    allowed, errors = list[str](), list[Message]()
    for name in found:
        try:
            check_names([*known, *allowed, name], where=where)
        except LabelsError as error:
            errors.append(error.message)
        else:
            allowed.append(name)
    return allowed, errors


def _at_depth(annotations: Mapping[ImageId, Annotation], depth: int) -> Iterator[tuple[ImageId, Annotation]]:
    """The annotations with outer categories; what is not of a nested category may well be of the outer one."""
    for image_id, annotation in annotations.items():
        category = annotation.category and at_depth(annotation.category, depth)
        if category == annotation.category:
            yield image_id, annotation
        elif annotation.kind is not AnnotationKind.WRONG:
            yield image_id, replace(annotation, category=category)


def _selection(annotation: Annotation) -> Selection:
    """Earlier versions recorded only the origin: images of an audit were drawn at random, all others selected."""
    return annotation.selection or (Selection.FILED if annotation.audit is not None else Selection.PERSON)
