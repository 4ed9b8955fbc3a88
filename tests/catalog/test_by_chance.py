"""Questions drawn by chance: in the order of ids, each until it is answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.catalog.by_chance import asked_by_chance, images_up_to, next_by_chance
from classifier.catalog.chosen_pictures import record_source
from classifier.catalog.connection import open_catalog
from classifier.labels.random_draw import read_draws
from classifier.records import AnnotationKind, Selection
from kit.chance import MANY, WAITING, library_of, say
from kit.reviewing import waiting_library

if TYPE_CHECKING:
    from pathlib import Path


def test_all_images_of_a_crawl_are_asked_in_one_order(tmp_path: Path) -> None:
    library, ids = library_of(tmp_path)
    with open_catalog(library) as catalog:
        assert ids == next_by_chance(catalog, limit=99)
        assert ids[:2] == next_by_chance(catalog, limit=2)
        assert ids[:4] == images_up_to(catalog, ids[3])


def test_what_was_named_otherwise_is_not_asked_again(tmp_path: Path) -> None:
    library, ids = library_of(tmp_path)
    with open_catalog(library) as catalog:
        say(catalog, ids[0], selection=Selection.GRID)
        say(catalog, ids[1], AnnotationKind.WRONG, selection=Selection.GRID)
        say(catalog, ids[2], AnnotationKind.NONE, category=None)
        say(catalog, ids[3], AnnotationKind.SKIPPED, selection=Selection.MODEL, category=None)

        assert [ids[1], *ids[3:]] == next_by_chance(catalog, limit=99)


def test_a_label_of_the_model_is_not_asked_about(tmp_path: Path) -> None:
    library, ids = library_of(tmp_path)
    with open_catalog(library) as catalog:
        assert ids[2:4] == next_by_chance(catalog, limit=2, labels=set(ids[:2]))


def test_a_skipped_question_is_not_asked_again_and_one_taken_back_is(tmp_path: Path) -> None:
    library, ids = library_of(tmp_path)
    with open_catalog(library) as catalog:
        say(catalog, ids[0], AnnotationKind.SKIPPED, category=None)
        say(catalog, ids[1])
        say(catalog, ids[1], AnnotationKind.TAKEN_BACK)

        assert ids[1:] == next_by_chance(catalog, limit=99)
        assert {ids[0], ids[1]} == asked_by_chance(catalog)


def test_a_picture_of_no_crawl_is_not_asked(tmp_path: Path) -> None:
    """One that a person put into the library: the guarantee is of the crawl."""
    library, _ = waiting_library(tmp_path, WAITING)
    with open_catalog(library) as catalog:
        assert [] == next_by_chance(catalog, limit=99)


def test_a_sorted_library_has_the_draw_of_what_was_asked(tmp_path: Path) -> None:
    library, ids = library_of(tmp_path)
    assert () == read_draws(library)
    with open_catalog(library) as catalog:
        say(catalog, ids[2], selection=Selection.GRID)
        say(catalog, ids[0])
        say(catalog, ids[1], AnnotationKind.NONE, category=None)
        say(catalog, ids[3])
    (draw,) = read_draws(library)

    assert frozenset(ids[:4]) == draw.image_ids == draw.sample(draw.named)
    assert [""] == [label.category for label in draw.without_category]


def test_the_beginning_of_a_sample_to_label_is_its_draw(tmp_path: Path) -> None:
    library, ids = library_of(tmp_path, MANY[:9], is_sample=True)
    with open_catalog(library) as catalog:
        for image_id in ids[:3]:
            say(catalog, image_id)
        say(catalog, ids[7], selection=Selection.GRID)
    (draw,) = read_draws(library)

    assert frozenset(ids) == draw.image_ids
    assert frozenset(ids[:3]) == draw.sample(draw.named)


def test_nothing_is_a_draw_where_a_model_chose_the_pictures(tmp_path: Path) -> None:
    library, ids = library_of(tmp_path)
    with open_catalog(library) as catalog:
        for image_id in ids:
            say(catalog, image_id)
    assert read_draws(library)
    with open_catalog(library) as catalog:
        record_source(catalog, "s3://bucket/answers")

    assert () == read_draws(library)
