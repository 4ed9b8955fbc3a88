"""Annotations become labels, override older ones, and make new categories."""

from __future__ import annotations

import numpy as np
import pytest

from classifier.active.training_set import Row, TrainingSet, build_training_set, cross_fit, fit
from classifier.model.combined_head import logits_of
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
