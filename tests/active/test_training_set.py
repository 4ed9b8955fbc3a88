"""Annotations become labels, override older ones, and make new categories."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from classifier.active.drawn import with_drawn
from classifier.active.training_set import Row, TrainingSet, build_training_set, cross_fit, fit
from classifier.model.combined_head import logits_of
from classifier.model.holdout import NO_CATEGORY, HoldoutPredictions
from classifier.model.labeled_embeddings import LabeledEmbeddings
from classifier.records import Annotation, AnnotationKind, ImageId, Selection

CATEGORIES = ("a", "b")
OLD = [ImageId(f"{number:064x}") for number in range(6)]
NEW = [ImageId(f"{number:064x}") for number in range(100, 110)]


def labeled() -> LabeledEmbeddings:
    return LabeledEmbeddings(
        embeddings=np.array([[0, 1], [0, 2], [0, 3], [1, 0], [2, 0], [3, 0]], dtype=np.float32),
        targets=np.array([0, 0, 0, 1, 1, 1]),
        groups=np.array([0, 1, 1, 2, 3, 7]),
        image_ids=tuple(OLD),
        paths=tuple(f"{number}.png" for number in range(6)),
        selections=(Selection.RANDOM,) * 6,
    )


def row(*embedding: float) -> Row:
    return np.array(embedding, dtype=np.float32), np.empty(0, np.float32)


def annotation(picture: ImageId, kind: AnnotationKind, category: str | None = None) -> Annotation:
    return Annotation(image_id=picture, kind=kind, category=category, origin="review", at="")


def labels_after(*annotations: Annotation) -> dict[ImageId, str]:
    rows = dict.fromkeys([*OLD, *NEW], row(5, 5))
    found = build_training_set(labeled(), CATEGORIES, {one.image_id: one for one in annotations}, rows)
    targets = found.labeled.targets.tolist()
    return dict(zip(found.labeled.image_ids, [found.categories[truth] for truth in targets], strict=True))


BEFORE = dict(zip(OLD, "aaabbb", strict=True))


def test_an_image_annotated_with_a_category_is_a_label() -> None:
    assert BEFORE | {NEW[0]: "b"} == labels_after(
        annotation(NEW[0], AnnotationKind.RIGHT, "b"), annotation(NEW[1], AnnotationKind.NONE)
    )


def test_an_annotation_overrides_the_label_of_the_same_image() -> None:
    annotations = [
        annotation(OLD[0], AnnotationKind.RIGHT, "b"),
        annotation(OLD[1], AnnotationKind.NONE),
        annotation(OLD[3], AnnotationKind.WRONG, "b"),
    ]
    kept = {OLD[2]: "a", OLD[4]: "b", OLD[5]: "b"}

    assert kept | {OLD[0]: "b"} == labels_after(*annotations)
    assert BEFORE == labels_after(
        annotation(OLD[0], AnnotationKind.SKIPPED),
        annotation(OLD[1], AnnotationKind.WRONG, "b"),
        annotation(OLD[2], AnnotationKind.RIGHT, "a"),
    )


def test_a_new_category_is_added_from_three_images_on() -> None:
    two = [annotation(NEW[number], AnnotationKind.RIGHT, "c") for number in range(2)]
    three = [*two, annotation(NEW[2], AnnotationKind.RIGHT, "c")]

    assert BEFORE == labels_after(*two)
    assert BEFORE | dict.fromkeys(NEW[:3], "c") == labels_after(*three)


def test_an_annotated_image_without_an_embedding_is_left_out() -> None:
    found = build_training_set(labeled(), CATEGORIES, {NEW[0]: annotation(NEW[0], AnnotationKind.RIGHT, "b")}, {})

    assert tuple(OLD) == found.labeled.image_ids


@pytest.mark.parametrize("rows", [{}, {OLD[0]: row(5, 5)}])
@pytest.mark.parametrize(("category", "truth"), [("a", 0), ("b", 1)])
def test_a_labeled_image_stays_a_label_with_its_corrected_category(
    rows: dict[ImageId, Row], category: str, truth: int
) -> None:
    found = build_training_set(
        labeled(), CATEGORIES, {OLD[0]: annotation(OLD[0], AnnotationKind.RIGHT, category)}, rows
    ).labeled

    assert (truth, "0.png", 0) == (found.targets[0], found.paths[0], found.groups[0])
    assert (labeled().image_ids, labeled().embeddings.tolist()) == (found.image_ids, found.embeddings.tolist())


def test_near_duplicates_keep_their_group_and_new_labels_have_their_own() -> None:
    rows = dict.fromkeys(NEW[:2], row(0, 0))
    annotations = {one: annotation(one, AnnotationKind.RIGHT, "a") for one in rows}

    assert [0, 1, 1, 2, 3, 7, 8, 9] == build_training_set(
        labeled(), CATEGORIES, annotations, rows
    ).labeled.groups.tolist()


def test_a_category_without_images_is_never_predicted() -> None:
    annotations = {one: annotation(one, AnnotationKind.NONE) for one in OLD[:3]} | {
        one: annotation(one, AnnotationKind.RIGHT, "c") for one in NEW[:3]
    }
    rows = dict.fromkeys(NEW[:3], row(0, 9))
    found = build_training_set(labeled(), CATEGORIES, annotations, rows)
    logits = logits_of(fit(found), np.array([[0, 9], [3, 0]], dtype=np.float32), None)

    assert ("a", "b", "c") == found.categories
    assert [2, 1] == logits.argmax(axis=1).tolist()
    assert (logits[:, 0] < logits[:, 1:].min(axis=1) - 10).all()


def test_an_annotated_duplicate_of_a_label_does_not_predict_it() -> None:
    rng = np.random.default_rng(0)
    nothing_to_learn, targets = rng.standard_normal((60, 400), np.float32), rng.integers(0, 2, 60)
    names = tuple(ImageId(f"{number:064x}") for number in range(120))
    repeated = LabeledEmbeddings(
        embeddings=np.concatenate([nothing_to_learn, nothing_to_learn * 1.01]),
        targets=np.concatenate([targets, targets]),
        groups=np.arange(120),
        image_ids=names,
        paths=(*(f"{number}.png" for number in range(60)), *[""] * 60),
        selections=(Selection.RANDOM,) * 60 + (Selection.MODEL,) * 60,
    )
    crossed = cross_fit(TrainingSet(labeled=repeated, categories=CATEGORIES))

    assert crossed is not None
    assert crossed.folds is None
    evidence = crossed.holdout
    assert names[:60] == evidence.image_ids
    assert (evidence.logits.argmax(axis=1) == targets).mean() < 0.75


def of_drawn(
    *annotations: Annotation, drawn: set[ImageId], rows: dict[ImageId, Row], of: LabeledEmbeddings | None = None
) -> TrainingSet:
    latest = {one.image_id: one for one in annotations}
    labels = of or labeled()
    return with_drawn(build_training_set(labels, CATEGORIES, latest, rows), labels, drawn, rows)


def holdout_of(found: TrainingSet, *, before: HoldoutPredictions | None = None) -> HoldoutPredictions:
    crossed = cross_fit(found, before=before)
    assert crossed is not None
    return crossed.holdout


def test_what_is_drawn_from_the_library_is_measured_however_it_was_named() -> None:
    rows = {one: row(number, 9 - number) for number, one in enumerate(NEW)}
    answers = [annotation(one, AnnotationKind.RIGHT, "ab"[number % 2]) for number, one in enumerate(NEW[:6])]
    picked = replace(labeled(), selections=(Selection.PERSON,) * 6)
    found = of_drawn(*answers, drawn={OLD[0], *NEW[:4]}, rows=rows, of=picked)
    evidence = holdout_of(found)

    assert {OLD[0], *NEW[:4]} == set(evidence.by_chance.image_ids)
    assert {*OLD, *NEW[:4]} == set(evidence.image_ids)
    assert (2, 0) == (evidence.method.answers, evidence.unjudged)


def test_any_guess_about_a_drawn_image_of_no_known_category_is_wrong() -> None:
    answers = [annotation(NEW[0], AnnotationKind.NONE), annotation(NEW[1], AnnotationKind.RIGHT, "few")]
    rows = dict.fromkeys(NEW[:3], row(1, 1))
    evidence = holdout_of(of_drawn(*answers, drawn=set(NEW[:4]), rows=rows))

    targets = dict(zip(evidence.image_ids, evidence.targets.tolist(), strict=True))
    assert dict.fromkeys(NEW[:3], NO_CATEGORY) == {one: targets[one] for one in NEW[:3]}
    assert (1, 9) == (evidence.unjudged, len(evidence.by_chance))  # the last has no embedding


def test_strangers_of_the_last_refit_are_not_counted_twice() -> None:
    answers = [annotation(NEW[0], AnnotationKind.NONE)]
    found = of_drawn(*answers, drawn={NEW[0]}, rows={NEW[0]: row(1, 1)})
    first = holdout_of(found)

    assert (first.unjudged, len(first)) == (0, 7)
    second = holdout_of(found, before=first)
    assert (second.unjudged, len(second)) == (0, 7)


def test_what_the_backbone_was_fitted_to_is_no_part_of_a_draw() -> None:
    fitted = replace(labeled(), selections=(Selection.FITTED,) * 6)
    found = of_drawn(
        annotation(NEW[0], AnnotationKind.RIGHT, "a"), drawn={OLD[0], NEW[0]}, rows={NEW[0]: row(1, 1)}, of=fitted
    )

    assert [NEW[0]] == [
        one
        for one, how in zip(found.labeled.image_ids, found.labeled.selections, strict=True)
        if how is Selection.RANDOM
    ]
    assert (None, 0) == (found.strangers, found.unjudged)


def test_a_draw_that_ends_earlier_now_takes_its_images_back() -> None:
    """New pictures came into the crawl, and were not asked yet."""
    before = replace(labeled(), paths=("", *labeled().paths[1:]))
    found = of_drawn(drawn=set(), rows={}, of=before)

    assert (Selection.CHANCE, Selection.RANDOM) == found.labeled.selections[:2]
