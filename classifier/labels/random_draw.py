"""Random draws of a crawl, and how much of each is complete.

The images that `illsort label` draws are labeled in grids, the most confident first, so while some are pending, the
labeled ones are the easy ones and not representative. Once every image of the draw was judged, it is a simple random
sample, whatever the order was; images of no category and skipped ones belong to it. Near-duplicates within the draw
were removed before. Until then its beginning in the order of ids is one, as far as a person was asked in that order:
whatever they named otherwise of it counts with their answer. Of a library that was sorted into, all images are such a
draw.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path

from classifier.catalog import annotation_log, by_chance, chosen_pictures, runs
from classifier.catalog.connection import Catalog, is_library, read_catalog
from classifier.catalog.places import place_of
from classifier.catalog.values import to_path
from classifier.records import AnnotationKind, Example, ImageId, Label, Selection

_LABEL = "label"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """The images of one draw; those in `named` were annotated with a category, others may be in its folder.

    Those in `without_label` were annotated as none of the categories, or skipped; `without_category` are the former,
    with their paths. Those in `asked` were asked about in the order of ids.
    """

    image_ids: frozenset[ImageId]
    named: frozenset[ImageId]
    without_label: frozenset[ImageId]
    without_category: tuple[Label, ...]
    asked: frozenset[ImageId] = frozenset()

    def sample(self, judged: Collection[ImageId]) -> frozenset[ImageId]:
        """The part that is a simple random sample: all once all are judged, else what was asked in the order of ids.

        The first that was neither judged nor asked ends it, such as an image that came later: nothing of its content
        decided where it is. What was asked and has no answer stays in it.
        """
        if not self.count_pending(judged):
            return self.image_ids
        last = max(self.asked & self.image_ids, default="")
        settled = self.without_label.union(judged, self.asked)
        return frozenset(takewhile(settled.__contains__, sorted(one for one in self.image_ids if one <= last)))

    def count_pending(self, judged: Collection[ImageId]) -> int:
        """How many are not judged yet."""
        return len(self.image_ids - self.without_label - set(judged))


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """Examples with how each was selected, and the randomly drawn ones of no category.

    `missing` counts drawn images that were skipped, are gone or unreadable; `waiting` counts images of draws of which
    nothing is a random sample until these were judged too.
    """

    examples: tuple[Example, ...]
    without_category: tuple[Example, ...] = ()
    missing: int = 0
    waiting: int = 0


def read_draws(*folders: Path | None) -> tuple[Draw, ...]:
    """The draws in folders that `illsort label` labeled into; other folders have none."""
    libraries = [folder for folder in dict.fromkeys(folders) if folder is not None and is_library(folder)]
    draws: list[Draw] = []
    for library in libraries:
        with read_catalog(library) as catalog:
            draws += draws_of(catalog, library)
    return tuple(draws)


def apply_draws(examples: Iterable[Example], draws: Sequence[Draw]) -> Drawn:
    """Mark the examples of complete draws and beginnings as random, and the others of a draw as selected by the model.

    The labeled images of an incomplete draw are the easy ones, even if the user says that all were drawn at random.
    """
    found = {example.image_id: example for example in examples}
    samples = [draw.sample(found.keys()) for draw in draws]
    drawn = frozenset[ImageId]().union(*samples)
    for image_id in found.keys() & frozenset().union(*(draw.image_ids for draw in draws)):
        selection = Selection.RANDOM if image_id in drawn else Selection.MODEL
        found[image_id] = _selected(found[image_id], selection)
    random = [one for one in found.values() if one.label.selection is Selection.RANDOM and not one.label.category]
    return Drawn(
        examples=tuple(example for example in found.values() if example.label.category),
        without_category=tuple(random),
        missing=len(drawn - found.keys()),
        waiting=sum(draw.count_pending(found.keys()) for draw, of_it in zip(draws, samples, strict=True) if not of_it),
    )


def _selected(example: Example, selection: Selection) -> Example:
    return replace(example, label=replace(example.label, selection=selection))


def draws_of(catalog: Catalog, library: Path) -> Iterator[Draw]:
    """The draws of one library: what `illsort label` drew, and what was asked by chance of all that was sorted.

    None of one whose pictures a model had a part in choosing.
    """
    if chosen_pictures.sources(catalog):
        return
    asked = by_chance.asked_by_chance(catalog)
    if runs.has_run_of_kind(catalog, _LABEL):
        yield _draw(catalog, library, runs.images_drawn_to_label(catalog), asked)
    if asked and runs.has_run_of_kind(catalog, runs.SORT):
        yield _draw(catalog, library, frozenset(by_chance.images_up_to(catalog, max(asked))), asked)


def _draw(catalog: Catalog, library: Path, image_ids: frozenset[ImageId], asked: frozenset[ImageId]) -> Draw:
    annotations = annotation_log.without_retracted(annotation_log.of_images(catalog, sorted(image_ids)))
    kinds = {image_id: {one.kind for one in of_image} for image_id, of_image in annotations.items()}
    latest = annotation_log.current(one for of_image in annotations.values() for one in of_image)
    none = sorted(image_id for image_id, annotation in latest.items() if annotation.kind is AnnotationKind.NONE)
    skipped = {image_id for image_id, of_image in kinds.items() if AnnotationKind.SKIPPED in of_image}
    return Draw(
        image_ids=image_ids,
        named=frozenset(image_id for image_id, annotation in latest.items() if annotation.kind is AnnotationKind.RIGHT),
        without_label=frozenset({*none, *skipped}),
        without_category=tuple(_labels_without_category(catalog, library, none)),
        asked=asked & image_ids,
    )


def _labels_without_category(catalog: Catalog, library: Path, image_ids: Iterable[ImageId]) -> Iterator[Label]:
    for image_id in image_ids:
        place = place_of(catalog, image_id)
        path = None if place is None else library / to_path(place.path)
        if path is not None and path.is_file():
            yield Label(path=path, category="", selection=Selection.PERSON)
