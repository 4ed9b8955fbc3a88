"""What a person said goes before what a model says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from classifier.decision.overrides import apply_annotation
from classifier.records import Action, Annotation, AnnotationKind, Decision, PictureId

DECISION = Decision(
    picture=PictureId("p"), action=Action.FILE, category="chibi", confidence=0.97, reason="0.97 chibi: at least 0.9"
)
VERDICT = Annotation(
    picture=PictureId("p"),
    said=AnnotationKind.WRONG,
    category="chibi",
    origin="audit",
    at="2026-11-24T10:00:00+00:00",
    audit=1,
)
RIGHT = replace(VERDICT, said=AnnotationKind.RIGHT)


def test_without_a_verdict_a_decision_stands() -> None:
    assert DECISION == apply_annotation(DECISION, None)
    assert DECISION == apply_annotation(DECISION, replace(VERDICT, category=None))


def test_judged_wrong_it_waits_for_review_with_the_persons_word_as_reason() -> None:
    reason = "a person said it is not chibi (audit of 2026-11-24)"

    assert replace(DECISION, action=Action.REVIEW, reason=reason) == apply_annotation(DECISION, VERDICT)


def test_judged_wrong_in_one_category_it_may_be_filed_in_another() -> None:
    other = replace(DECISION, category="portrait")

    assert other == apply_annotation(other, VERDICT)


def test_judged_wrong_does_not_bring_back_what_is_unlike_every_label() -> None:
    unknown = replace(DECISION, action=Action.UNKNOWN)

    assert unknown == apply_annotation(unknown, VERDICT)


@pytest.mark.parametrize("action", Action)
def test_judged_right_it_stays_whatever_the_threshold_says(action: Action) -> None:
    reason = "a person said it is chibi (audit of 2026-11-24)"

    assert replace(DECISION, reason=reason) == apply_annotation(replace(DECISION, action=action), RIGHT)


def test_judged_right_it_stays_though_a_new_model_prefers_another_category() -> None:
    heeded = apply_annotation(replace(DECISION, category="portrait"), RIGHT, confidence=0.02)

    assert (Action.FILE, "chibi", 0.02) == (heeded.action, heeded.category, heeded.confidence)


@pytest.mark.parametrize("action", Action)
def test_judged_none_of_the_categories_it_is_in_none_whatever_the_model_says(action: Action) -> None:
    none = replace(VERDICT, said=AnnotationKind.NONE, category=None, origin="review")
    reason = "a person said it is none of the categories (review of 2026-11-24)"

    assert replace(DECISION, action=Action.UNKNOWN, reason=reason) == apply_annotation(
        replace(DECISION, action=action), none
    )
