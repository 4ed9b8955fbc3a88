"""Annotations take precedence over the model."""

from __future__ import annotations

from dataclasses import replace

import pytest

from classifier.decision.overrides import apply_annotation
from classifier.reasons import Reason, ReasonCode
from classifier.records import Action, Annotation, AnnotationKind, Decision, ImageId
from kit.reasons import ANY

DECISION = Decision(picture=ImageId("p"), action=Action.FILE, category="chibi", confidence=0.97, reason=ANY)
ANNOTATION = Annotation(
    picture=ImageId("p"),
    said=AnnotationKind.WRONG,
    category="chibi",
    origin="audit",
    at="2026-11-24T10:00:00+00:00",
    audit=1,
    id=7,
)
SOURCE = {"annotation": 7, "date": "2026-11-24"}
RIGHT = replace(ANNOTATION, said=AnnotationKind.RIGHT)


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
    none = replace(ANNOTATION, said=AnnotationKind.NONE, category=None, origin="review")
    reason = Reason.of(ReasonCode.ANNOTATED_NONE, origin="review", **SOURCE)

    assert replace(DECISION, action=Action.UNKNOWN, reason=reason) == apply_annotation(
        replace(DECISION, action=action), none
    )
