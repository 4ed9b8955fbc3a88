"""Images of complete draws count as random, and so do those that the user declares to be."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from classifier.catalog import annotation_log
from classifier.catalog.connection import open_catalog
from classifier.images.hashing import hash_bytes
from classifier.labels.from_annotations import Feedback, read_feedback
from classifier.labels.random_draw import Draw, apply_draws, read_draws
from classifier.records import Annotation, AnnotationKind, Example, ImageId, Label, Selection
from kit.audits import Kind, filed_library

IDS = [ImageId(f"{number:064x}") for number in range(30)]


def example(number: int, category: str, selection: Selection) -> Example:
    label = Label(path=Path(f"{number}.png"), category=category, selection=selection)
    return Example(label=label, image_id=IDS[number])


numbers = st.frozensets(st.integers(0, 29))
labels = st.dictionaries(st.integers(0, 29), st.tuples(st.sampled_from(["a", "b", ""]), st.sampled_from([*Selection])))
draws = st.lists(st.tuples(numbers, numbers), max_size=3)


@given(labels, draws)
def test_only_a_fully_answered_or_vouched_draw_is_random(
    found: dict[int, tuple[str, Selection]], sets: list[tuple[frozenset[int], frozenset[int]]]
) -> None:
    made = [
        Draw(
            image_ids=frozenset(IDS[n] for n in of_it),
            named=frozenset(),
            without_label=frozenset(IDS[n] for n in none & of_it),
            without_category=(),
        )
        for of_it, none in sets
    ]
    result = apply_draws([example(number, *label) for number, label in found.items()], made)
    whole = [of_it for of_it, none in sets if of_it <= none | found.keys()]
    parts = {number for of_it, none in sets if not of_it <= none | found.keys() for number in of_it}
    vouched = {number for number, (_, selection) in found.items() if selection is Selection.RANDOM} - parts
    random = {number for number in found if number in vouched or any(number in of_it for of_it in whole)}

    assert {IDS[n] for n in random if found[n][0]} == chosen(result.examples)
    assert {IDS[n] for n in random if not found[n][0]} == chosen(result.without_category)
    assert all(one.label.category for one in result.examples)
    assert len(frozenset().union(*whole) - found.keys()) == result.missing


def chosen(examples: tuple[Example, ...]) -> set[ImageId]:
    return {one.image_id for one in examples if one.label.selection is Selection.RANDOM}


def test_no_answer_of_review_or_audit_is_a_random_label(tmp_path: Path) -> None:
    """Whatever was asked, and by whichever version: the queue, a grid, an audit of what was filed."""
    library = filed_library(tmp_path, Kind(category="a", confidences=(0.9,) * 8))
    how = [None, *(one for one in Selection if one is not Selection.RANDOM)]
    with open_catalog(library) as catalog:
        for number, selection in enumerate(how):
            word = Annotation(
                image_id=hash_bytes(f"a {number}".encode()),
                kind=AnnotationKind.RIGHT,
                category="a",
                origin="audit" if number % 2 else "review",
                audit=1 if number % 2 else None,
                at="",
                selection=selection,
            )
            annotation_log.add(catalog, word)
    found = {label.selection for label in read_feedback(library).labels}

    assert {*Selection} - {Selection.RANDOM} == found
    assert not any(draw.image_ids for draw in read_draws(library, tmp_path, None))


def test_a_random_label_annotated_as_wrong_later_stays_in_the_draw() -> None:
    """Left out, a mistake of the model would not be counted."""
    word = Annotation(
        image_id=IDS[0], kind=AnnotationKind.WRONG, category="a", origin="labels", at="", selection=Selection.MODEL
    )
    judged = Feedback(annotations={IDS[0]: word}).apply(example(0, "a", Selection.RANDOM))
    result = apply_draws([judged], ())

    assert ((), {IDS[0]}) == (result.examples, chosen(result.without_category))


def drawn_of(asked: set[int], *, skipped: set[int] = frozenset(), count: int = 10) -> Draw:  # type: ignore[assignment]
    return Draw(
        image_ids=frozenset(IDS[:count]),
        named=frozenset(),
        without_label=frozenset(IDS[n] for n in skipped),
        without_category=(),
        asked=frozenset(IDS[n] for n in asked),
    )


def random_of(named: set[int], draw: Draw) -> tuple[set[int], int]:
    """Which of the named images are evidence, and how many are missing from it."""
    result = apply_draws([example(n, "a", Selection.GRID) for n in named], [draw])
    return {IDS.index(image_id) for image_id in chosen(result.examples)}, result.missing


def test_what_was_asked_in_a_random_order_is_a_sample_with_what_grids_named() -> None:
    assert ({0, 1, 2}, 0) == random_of({0, 1, 2, 5, 6}, drawn_of({0, 2}))


def test_what_grids_named_behind_the_last_one_asked_is_no_evidence() -> None:
    assert ({0}, 0) == random_of({0, 1, 2, 3}, drawn_of({0}))
    assert (set(), 0) == random_of({0, 1, 2, 3}, drawn_of(set()))


def test_a_question_by_chance_without_an_answer_stays_in_the_sample() -> None:
    """Skipped, or taken back: it counts as filed and wrong."""
    assert ({0, 2}, 1) == random_of({0, 2}, drawn_of({0, 1, 2}, skipped={1}))
    assert ({0}, 1) == random_of({0}, drawn_of({0, 1}))


def test_an_image_that_came_later_ends_the_sample_until_it_is_asked() -> None:
    assert ({0, 1}, 0) == random_of({0, 1, 3, 4}, drawn_of({0, 1, 3, 4}))
    assert ({0, 1, 2, 3, 4}, 0) == random_of({0, 1, 2, 3, 4}, drawn_of({0, 1, 2, 3, 4}))


def test_the_rest_of_a_draw_counts_as_selected_by_the_model() -> None:
    examples = [example(n, "a", Selection.RANDOM) for n in range(5)]
    result = apply_draws(examples, [drawn_of({0, 1})])

    assert {IDS[0], IDS[1]} == chosen(result.examples)
    assert {Selection.RANDOM, Selection.MODEL} == {one.label.selection for one in result.examples}
