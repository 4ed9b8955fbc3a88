"""The random draw that `illsort label` took of a crawl, and whether it was answered whole.

Its pictures are named in grids, the surest first, so as long as some wait, those that are named say nothing of the
rest: they are the easy ones. When every picture of the draw was judged, the order in which that was done has no part
in it any more, and the draw is a simple random sample. What is of no category, or was skipped, belongs to it too.
Pictures that nearly repeat another of the draw were left out of it before anybody saw them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from classifier.catalog import annotation_log, runs
from classifier.catalog.connection import Catalog, is_library, read_catalog
from classifier.catalog.places import place_of
from classifier.catalog.values import to_path
from classifier.records import AnnotationKind, Example, Label, PictureId, Selection

_LABEL = "label"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """The pictures of one draw: of those `named` a person said the category; the others may be found in its folder too.

    Of those in `without_label` it was said that they are of no category, or they were skipped; `without_category` are
    the former, where they lie.
    """

    pictures: frozenset[PictureId]
    named: frozenset[PictureId]
    without_label: frozenset[PictureId]
    without_category: tuple[Label, ...]

    def waiting(self, judged: Collection[PictureId]) -> int:
        """How many were not judged yet."""
        return len(self.pictures - self.without_label - set(judged))


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """Examples that each say how they were selected, and those drawn by chance that are of no category.

    So many drawn pictures are `missing`: skipped, gone or unreadable by now. So many are `waiting` in draws that would
    be random samples if they were judged too.
    """

    examples: tuple[Example, ...]
    without_category: tuple[Example, ...] = ()
    missing: int = 0
    waiting: int = 0


def read_draws(*folders: Path | None) -> tuple[Draw, ...]:
    """The draws in folders that `illsort label` labels into; other folders have none."""
    libraries = [folder for folder in dict.fromkeys(folders) if folder is not None and is_library(folder)]
    return tuple(draw for library in libraries for draw in _draws_of(library))


def drawn(examples: Iterable[Example], draws: Sequence[Draw]) -> Drawn:
    """Tell what was drawn by chance from what was selected, by which draws were answered whole.

    Of a draw that was not, the named ones are the easy ones, also where a person says that all was drawn by chance.
    """
    found = {example.picture: example for example in examples}
    left = [draw.waiting(found.keys()) for draw in draws]
    whole = [draw for draw, waiting in zip(draws, left, strict=True) if not waiting]
    parts = [draw for draw, waiting in zip(draws, left, strict=True) if waiting]
    for selection, some in ((Selection.MODEL, parts), (Selection.RANDOM, whole)):
        for picture in found.keys() & {picture for draw in some for picture in draw.pictures}:
            found[picture] = _selected(found[picture], selection)
    random = [one for one in found.values() if one.label.selection is Selection.RANDOM and not one.label.category]
    return Drawn(
        examples=tuple(example for example in found.values() if example.label.category),
        without_category=tuple(random),
        missing=sum(len(draw.pictures - found.keys()) for draw in whole),
        waiting=sum(left),
    )


def _selected(example: Example, selection: Selection) -> Example:
    return replace(example, label=replace(example.label, selection=selection))


def _draws_of(library: Path) -> Iterator[Draw]:
    with read_catalog(library) as catalog:
        if not runs.has_run_of_kind(catalog, _LABEL):
            return
        pictures = runs.images_drawn_to_label(catalog)
        said = annotation_log.without_retracted(annotation_log.of_pictures(catalog, sorted(pictures)))
        words = {picture: {one.said for one in of_it} for picture, of_it in said.items()}
        held = annotation_log.current(one for of_it in said.values() for one in of_it)
        none = sorted(picture for picture, verdict in held.items() if verdict.said is AnnotationKind.NONE)
        skipped = {picture for picture, of_it in words.items() if AnnotationKind.SKIPPED in of_it}
        yield Draw(
            pictures=pictures,
            named=frozenset(picture for picture, verdict in held.items() if verdict.said is AnnotationKind.RIGHT),
            without_label=frozenset({*none, *skipped}),
            without_category=tuple(_where_they_lie(catalog, library, none)),
        )


def _where_they_lie(catalog: Catalog, library: Path, pictures: Iterable[PictureId]) -> Iterator[Label]:
    for picture in pictures:
        place = place_of(catalog, picture)
        path = None if place is None else library / to_path(place.path)
        if path is not None and path.is_file():
            yield Label(path=path, category="", selection=Selection.PERSON)
