"""What a person said while reviewing becomes labels: the newest word about a picture goes before any older label.

Knows no training; reads a library's catalog and writes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from classifier.catalog import annotation_log
from classifier.catalog.categories import CategoryAliases, read_aliases
from classifier.catalog.connection import read_catalog
from classifier.catalog.places import place_of
from classifier.catalog.values import to_path
from classifier.records import Annotation, AnnotationKind, Example, Label, PictureId, Selection


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """The verdicts that hold, the pictures of a category among them that lie in the library, and renamed categories."""

    labels: tuple[Label, ...] = ()
    verdicts: Mapping[PictureId, Annotation] = field(default_factory=dict)
    names: CategoryAliases = field(default_factory=CategoryAliases)

    def named(self, labels: tuple[Label, ...]) -> tuple[Label, ...]:
        """Labels by the names that a person has for their categories by now; sorted by category and path."""
        renamed = (replace(label, category=self.names.resolve(label.category)) for label in labels)
        return tuple(sorted(renamed, key=lambda label: (label.category, label.path)))

    def heed(self, example: Example) -> Example:
        """The example as the person sees it by now; without a category where they said it is not of its own.

        It is not left out: where it was drawn by chance, a mistake would not be counted.
        """
        verdict = self.verdicts.get(example.picture)
        if verdict is None:
            return example
        if verdict.said is AnnotationKind.RIGHT and verdict.category is not None:
            return replace(example, label=replace(example.label, category=verdict.category))
        if verdict.said is not AnnotationKind.NONE and verdict.category != example.label.category:
            return example
        return replace(example, label=replace(example.label, category=""))


def read_feedback(library: Path | None) -> Feedback:
    """What holds of the pictures of `library` (None: nothing). Raises LibraryError when it is no library."""
    if library is None:
        return Feedback()
    with read_catalog(library) as catalog:
        held = annotation_log.latest(catalog)
        labels = []
        for picture, verdict in held.items():
            place = place_of(catalog, picture)
            if place is not None and verdict.said is AnnotationKind.RIGHT and verdict.category is not None:
                selection = _selection(verdict)
                labels.append(Label(path=library / to_path(place.path), category=verdict.category, selection=selection))
        names = read_aliases(catalog)
    return Feedback(labels=tuple(labels), verdicts=held, names=names)


def _selection(verdict: Annotation) -> Selection:
    """Earlier versions kept only where it was said: the pages of an audit were drawn, all others were selected."""
    return verdict.selection or (Selection.FILED if verdict.audit is not None else Selection.PERSON)
