"""Words become labels, win over older ones, and make new categories; a category without pictures is never guessed."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from classifier.active.training_set import TrainingSet, build_training_set, cross_fit, fit
from classifier.model.labeled_embeddings import LabeledEmbeddings
from classifier.records import Annotation, AnnotationKind, PictureId, Selection

CATEGORIES = ("a", "b")
OLD = [PictureId(f"{number:064x}") for number in range(6)]
NEW = [PictureId(f"{number:064x}") for number in range(100, 110)]


def labeled() -> LabeledEmbeddings:
    return LabeledEmbeddings(
        embeddings=np.array([[0, 1], [0, 2], [0, 3], [1, 0], [2, 0], [3, 0]], dtype=np.float32),
        targets=np.array([0, 0, 0, 1, 1, 1]),
        groups=np.array([0, 1, 1, 2, 3, 7]),
        pictures=tuple(OLD),
        paths=tuple(f"{number}.png" for number in range(6)),
        selections=(Selection.RANDOM,) * 6,
    )


def said(picture: PictureId, word: AnnotationKind, category: str | None = None) -> Annotation:
    return Annotation(picture=picture, said=word, category=category, origin="review", at="")


def learned(*words: Annotation) -> dict[PictureId, str]:
    seen = {picture: np.array([5, 5], dtype=np.float32) for picture in [*OLD, *NEW]}
    found = build_training_set(labeled(), CATEGORIES, {word.picture: word for word in words}, seen)
    targets = found.labeled.targets.tolist()
    return dict(zip(found.labeled.pictures, [found.categories[truth] for truth in targets], strict=True))


BEFORE = dict(zip(OLD, "aaabbb", strict=True))


def test_what_was_said_to_be_right_is_a_label() -> None:
    assert BEFORE | {NEW[0]: "b"} == learned(said(NEW[0], AnnotationKind.RIGHT, "b"), said(NEW[1], AnnotationKind.NONE))


def test_a_word_wins_over_the_label_of_the_same_picture() -> None:
    words = [
        said(OLD[0], AnnotationKind.RIGHT, "b"),
        said(OLD[1], AnnotationKind.NONE),
        said(OLD[3], AnnotationKind.WRONG, "b"),
    ]
    kept = {OLD[2]: "a", OLD[4]: "b", OLD[5]: "b"}

    assert kept | {OLD[0]: "b"} == learned(*words)
    assert BEFORE == learned(
        said(OLD[0], AnnotationKind.SKIPPED),
        said(OLD[1], AnnotationKind.WRONG, "b"),
        said(OLD[2], AnnotationKind.RIGHT, "a"),
    )


def test_a_new_category_is_guessed_at_once_three_pictures_have_it() -> None:
    two = [said(NEW[number], AnnotationKind.RIGHT, "c") for number in range(2)]
    three = [*two, said(NEW[2], AnnotationKind.RIGHT, "c")]

    assert BEFORE == learned(*two)
    assert BEFORE | dict.fromkeys(NEW[:3], "c") == learned(*three)


def test_a_word_about_a_picture_that_is_not_known_teaches_nothing() -> None:
    found = build_training_set(labeled(), CATEGORIES, {NEW[0]: said(NEW[0], AnnotationKind.RIGHT, "b")}, {})

    assert tuple(OLD) == found.labeled.pictures


@pytest.mark.parametrize("seen", [{}, {OLD[0]: np.array([5, 5], dtype=np.float32)}])
@pytest.mark.parametrize(("category", "truth"), [("a", 0), ("b", 1)])
def test_a_labeled_picture_stays_a_label_of_what_was_said(
    seen: dict[PictureId, NDArray[np.float32]], category: str, truth: int
) -> None:
    found = build_training_set(
        labeled(), CATEGORIES, {OLD[0]: said(OLD[0], AnnotationKind.RIGHT, category)}, seen
    ).labeled

    assert (truth, "0.png", 0) == (found.targets[0], found.paths[0], found.groups[0])
    assert (labeled().pictures, labeled().embeddings.tolist()) == (found.pictures, found.embeddings.tolist())


def test_near_duplicates_stay_together_and_what_is_new_stands_alone() -> None:
    seen = {NEW[0]: np.zeros(2, np.float32), NEW[1]: np.zeros(2, np.float32)}
    words = {one: said(one, AnnotationKind.RIGHT, "a") for one in seen}

    assert [0, 1, 1, 2, 3, 7, 8, 9] == build_training_set(labeled(), CATEGORIES, words, seen).labeled.groups.tolist()


def test_a_category_of_which_nothing_is_left_is_never_guessed() -> None:
    words = {one: said(one, AnnotationKind.NONE) for one in OLD[:3]} | {
        one: said(one, AnnotationKind.RIGHT, "c") for one in NEW[:3]
    }
    seen = dict.fromkeys(NEW[:3], np.array([0, 9], dtype=np.float32))
    found = build_training_set(labeled(), CATEGORIES, words, seen)
    logits = fit(found)(np.array([[0, 9], [3, 0]], dtype=np.float32))

    assert ("a", "b", "c") == found.categories
    assert [2, 1] == logits.argmax(axis=1).tolist()
    assert (logits[:, 0] < logits[:, 1:].min(axis=1) - 10).all()


def test_a_verdict_that_repeats_a_label_does_not_judge_it() -> None:
    rng = np.random.default_rng(0)
    nothing_to_learn, targets = rng.standard_normal((60, 400), np.float32), rng.integers(0, 2, 60)
    names = tuple(PictureId(f"{number:064x}") for number in range(120))
    repeated = LabeledEmbeddings(
        embeddings=np.concatenate([nothing_to_learn, nothing_to_learn * 1.01]),
        targets=np.concatenate([targets, targets]),
        groups=np.arange(120),
        pictures=names,
        paths=(*(f"{number}.png" for number in range(60)), *[""] * 60),
        selections=(Selection.RANDOM,) * 60 + (Selection.MODEL,) * 60,
    )
    evidence = cross_fit(TrainingSet(labeled=repeated, categories=CATEGORIES))

    assert evidence is not None
    assert names[:60] == evidence.pictures
    assert (evidence.logits.argmax(axis=1) == targets).mean() < 0.75
