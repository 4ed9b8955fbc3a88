"""Decisions from probabilities, thresholds and OOD scores."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.decision.decide import apply_annotation, decide
from classifier.reason_text import reason_message
from classifier.reasons import Reason, ReasonCode
from classifier.records import Action, Annotation, AnnotationKind, Decision, ImageId
from kit.reasons import ANY

CATEGORIES = ("cat", "dog", "fox")


def one(
    *probabilities: float,
    thresholds: tuple[float, ...],
    truncated: bool = False,
    novelty: float | None = None,
    **options: Any,
) -> Decision:
    (decision,) = decide(
        [ImageId("p")],
        np.array([probabilities]),
        categories=CATEGORIES[: len(probabilities)],
        thresholds=thresholds,
        truncated=[truncated],
        ood_scores=[novelty],
        **options,
    )
    return decision


def text(decision: Decision) -> str:
    return str(reason_message(decision.reason))


def decided(*probabilities: float, threshold: float = 0.9, truncated: bool = False) -> Decision:
    return one(*probabilities, thresholds=(threshold,) * 3, truncated=truncated)


def promised(*probabilities: float, thresholds: tuple[float, ...], truncated: bool = False) -> tuple[Action, str]:
    decision = one(*probabilities, thresholds=thresholds, truncated=truncated, guaranteed=True)
    return decision.action, text(decision)


@pytest.mark.parametrize(
    ("probabilities", "action", "category", "reason"),
    [
        ((0.97, 0.02, 0.01), Action.FILE, "cat", "0.97 cat, 0.02 dog: at least 0.9"),
        ((0.90, 0.08, 0.02), Action.FILE, "cat", "0.90 cat, 0.08 dog: at least 0.9"),
        ((0.899, 0.101, 0.0), Action.REVIEW, "cat", "0.89 cat, 0.10 dog: below 0.9"),
        ((0.1, 0.35, 0.55), Action.REVIEW, "fox", "0.55 fox, 0.35 dog: below 0.9"),
    ],
)
def test_a_confident_decision_is_filed_and_another_reviewed_with_a_reason(
    probabilities: tuple[float, ...], action: Action, category: str, reason: str
) -> None:
    decision = decided(*probabilities)

    assert (action, category, max(probabilities)) == (decision.action, decision.category, decision.confidence)
    assert reason == text(decision)


UNLIKE = "0.99 cat, 0.01 dog: unlike every labeled picture (distance 0.250, yours are below 0.250)"


@pytest.mark.parametrize(
    ("novelty", "truncated", "action"),
    [
        (None, False, Action.FILE),
        (0.24, False, Action.FILE),
        (0.25, False, Action.UNKNOWN),
        (0.25, True, Action.REVIEW),
    ],
)
def test_an_image_unlike_all_labels_is_unknown_unless_it_is_truncated(
    novelty: float | None, truncated: bool, action: Action
) -> None:
    decision = one(0.99, 0.01, 0.0, thresholds=(0.9,) * 3, truncated=truncated, novelty=novelty, unknown_threshold=0.25)

    assert (action, "cat") == (decision.action, decision.category)
    assert (UNLIKE == text(decision)) == (action is Action.UNKNOWN)


def test_a_truncated_image_is_never_filed() -> None:
    decision = decided(1.0, 0.0, 0.0, truncated=True)

    assert Action.REVIEW is decision.action
    assert "only a part" in text(decision)


@given(st.lists(st.floats(0.001, 1), min_size=3, max_size=3), st.floats(0.01, 0.99), st.booleans())
def test_nothing_below_the_threshold_is_ever_filed(weights: list[float], threshold: float, truncated: bool) -> None:
    probabilities = [weight / sum(weights) for weight in weights]
    decision = decided(*probabilities, threshold=threshold, truncated=truncated)

    assert decision.confidence == max(probabilities)
    assert (decision.action is Action.FILE) == (max(probabilities) >= threshold and not truncated)


@pytest.mark.parametrize(
    ("probabilities", "action", "reason"),
    [
        ((0.97, 0.02, 0.01), Action.FILE, "0.970 cat, 0.020 dog: at least 0.961 for cat"),
        ((0.96125, 0.03, 0.00875), Action.REVIEW, "0.961 cat, 0.030 dog: below 0.962 for cat"),
        ((0.2, 0.75, 0.05), Action.FILE, "0.750 dog, 0.200 cat: at least 0.5 for dog"),
        ((0.0, 0.0, 1.0), Action.REVIEW, "1.000 fox, 0.000 cat: no error rate can be promised for fox"),
    ],
)
def test_with_a_guarantee_each_category_has_its_own_threshold(
    probabilities: tuple[float, ...], action: Action, reason: str
) -> None:
    assert (action, reason) == promised(*probabilities, thresholds=(0.96127, 0.5, 2.0))


def test_with_a_guarantee_a_truncated_image_is_not_filed_either() -> None:
    action, reason = promised(1.0, 0.0, 0.0, thresholds=(0.5, 0.5, 0.5), truncated=True)

    assert Action.REVIEW is action
    assert "only a part" in reason


@given(st.floats(0.34, 1), st.floats(0.001, 1.001))
def test_rounded_numbers_in_a_reason_agree_with_the_decision(confidence: float, threshold: float) -> None:
    rest = (1 - confidence) / 2
    action, reason = promised(confidence, rest, rest, thresholds=(threshold, 0.5, 0.5))
    shown, why = float(reason.split()[0]), reason.split(": ")[1].split()
    if "promised" in why:
        assert threshold > 1
    elif action is Action.FILE:
        assert shown >= float(why[2])
    else:
        assert shown < float(why[1])


def test_an_image_hardly_like_any_label_is_reviewed() -> None:
    decision = one(0.99, 0.01, thresholds=(0.9, 0.9), novelty=0.5, unknown_threshold=0.6, review_threshold=0.45)

    assert Action.REVIEW is decision.action
    assert "0.99 cat, 0.01 dog: hardly like any labeled picture (distance 0.500, " in str(
        reason_message(decision.reason)
    )


def test_of_two_equal_probabilities_the_first_category_is_chosen() -> None:
    assert "0.40 dog, 0.40 fox: below 0.9" == text(decided(0.2, 0.4, 0.4))


def test_a_reason_with_one_category_names_no_second() -> None:
    assert "1.00 cat: at least 0.9" == text(one(1.0, thresholds=(0.9,)))


@pytest.mark.parametrize(
    ("options", "action", "reason"),
    [
        ({}, Action.REVIEW, "a person ruled out every category"),
        ({"guaranteed": True}, Action.REVIEW, "a person ruled out every category"),
        ({"truncated": True}, Action.REVIEW, "the file ends early, so only a part of the picture was seen"),
        ({"novelty": 0.2, "unknown_threshold": 0.25}, Action.REVIEW, "a person ruled out every category"),
        (
            {"novelty": 0.3, "unknown_threshold": 0.25},
            Action.UNKNOWN,
            "unlike every labeled picture (distance 0.300, yours are below 0.250)",
        ),
    ],
)
def test_an_image_with_every_category_ruled_out_has_none(options: dict[str, Any], action: Action, reason: str) -> None:
    decision = one(-1.0, -1.0, -1.0, thresholds=(0.0,) * 3, **options)

    assert (action, "", 0.0) == (decision.action, decision.category, decision.confidence)
    assert reason == text(decision)


def test_a_ruled_out_category_is_not_named_as_the_second() -> None:
    assert "0.30 dog: below 0.9" == text(one(-1.0, 0.3, -1.0, thresholds=(0.9,) * 3))


def test_a_review_threshold_above_the_unknown_one_changes_nothing() -> None:
    limits = {"unknown_threshold": 0.4, "review_threshold": 0.6}
    actions = [one(0.99, 0.01, thresholds=(0.9,) * 2, novelty=novelty, **limits).action for novelty in (0.3, 0.5, 0.7)]

    assert [Action.FILE, Action.UNKNOWN, Action.UNKNOWN] == actions


@given(st.lists(st.lists(st.floats(0.001, 1), min_size=3, max_size=3), max_size=5), st.data())
def test_images_decided_together_or_alone_have_the_same_decision(
    weights: list[list[float]], data: st.DataObject
) -> None:
    shares = np.array([[weight / sum(row) for weight in row] for row in weights]).reshape(-1, 3)
    shares[np.array([data.draw(st.booleans()) for _ in weights], dtype=bool)] = -1  # every category ruled out
    novelties = [data.draw(st.none() | st.floats(0, 1)) for _ in weights]
    truncated = [data.draw(st.booleans()) for _ in weights]
    limits = {
        "categories": CATEGORIES,
        "thresholds": (0.5, 0.6, 2.0),
        "unknown_threshold": 0.8,
        "review_threshold": 0.6,
    }
    pictures = [ImageId(str(number)) for number in range(len(weights))]
    together = decide(pictures, shares, truncated=truncated, ood_scores=novelties, **limits)
    apart = [
        decide([picture], row[None], truncated=[cut], ood_scores=[novelty], **limits)[0]
        for picture, row, cut, novelty in zip(pictures, shares, truncated, novelties, strict=True)
    ]

    assert apart == together


DECISION = Decision(image_id=ImageId("p"), action=Action.FILE, category="chibi", confidence=0.97, reason=ANY)
ANNOTATION = Annotation(
    image_id=ImageId("p"),
    kind=AnnotationKind.WRONG,
    category="chibi",
    origin="audit",
    at="2026-11-24T10:00:00+00:00",
    audit=1,
    id=7,
)
SOURCE = {"annotation": 7, "date": "2026-11-24"}
RIGHT = replace(ANNOTATION, kind=AnnotationKind.RIGHT)


def test_without_an_annotation_a_decision_is_unchanged() -> None:
    assert DECISION == apply_annotation(DECISION, None)
    assert DECISION == apply_annotation(DECISION, replace(ANNOTATION, category=None))


def test_an_image_annotated_as_wrong_is_reviewed() -> None:
    reason = Reason.of(ReasonCode.ANNOTATED_WRONG, category="chibi", origin="audit", **SOURCE)

    assert replace(DECISION, action=Action.REVIEW, reason=reason) == apply_annotation(DECISION, ANNOTATION)


def test_an_image_annotated_as_wrong_may_be_filed_in_another_category() -> None:
    other = replace(DECISION, category="portrait")

    assert other == apply_annotation(other, ANNOTATION)


def test_an_unknown_image_annotated_as_wrong_stays_unknown() -> None:
    unknown = replace(DECISION, action=Action.UNKNOWN)

    assert unknown == apply_annotation(unknown, ANNOTATION)


@pytest.mark.parametrize("action", Action)
def test_an_image_annotated_as_right_is_filed_at_any_threshold(action: Action) -> None:
    reason = Reason.of(ReasonCode.ANNOTATED, category="chibi", origin="audit", **SOURCE)

    assert replace(DECISION, reason=reason) == apply_annotation(replace(DECISION, action=action), RIGHT)


def test_an_image_annotated_as_right_stays_if_a_new_model_disagrees() -> None:
    after = apply_annotation(replace(DECISION, category="portrait"), RIGHT, confidence=0.02)

    assert (Action.FILE, "chibi", 0.02) == (after.action, after.category, after.confidence)


@pytest.mark.parametrize("action", Action)
def test_an_image_annotated_as_none_of_the_categories_is_unknown(action: Action) -> None:
    none = replace(ANNOTATION, kind=AnnotationKind.NONE, category=None, origin="review")
    reason = Reason.of(ReasonCode.ANNOTATED_NONE, origin="review", **SOURCE)

    assert replace(DECISION, action=Action.UNKNOWN, reason=reason) == apply_annotation(
        replace(DECISION, action=action), none
    )
