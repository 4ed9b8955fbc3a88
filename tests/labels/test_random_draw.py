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
    assert sum(len(of_it - found.keys()) for of_it in whole) == result.missing


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
    assert () == read_draws(library, tmp_path, None)


def test_a_random_label_annotated_as_wrong_later_stays_in_the_draw() -> None:
    """Left out, a mistake of the model would not be counted."""
    word = Annotation(
        image_id=IDS[0], kind=AnnotationKind.WRONG, category="a", origin="labels", at="", selection=Selection.MODEL
    )
    judged = Feedback(annotations={IDS[0]: word}).apply(example(0, "a", Selection.RANDOM))
    result = apply_draws([judged], ())

    assert ((), {IDS[0]}) == (result.examples, chosen(result.without_category))
