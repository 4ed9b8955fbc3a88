"""All the judgement of a sort, on plain values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.records import Action, Decision, PictureId, Prediction
from classifier.sort.decide import decide

CATEGORIES = ("cat", "dog", "fox")


def decided(*probabilities: float, threshold: float = 0.9, truncated: bool = False) -> Decision:
    prediction = Prediction(picture=PictureId("p"), probabilities=probabilities)
    return decide(prediction, categories=CATEGORIES, threshold=threshold, truncated=truncated)


@pytest.mark.parametrize(
    ("probabilities", "action", "category", "reason"),
    [
        ((0.97, 0.02, 0.01), Action.FILE, "cat", "0.97 cat, 0.02 dog: at least 0.9"),
        ((0.90, 0.08, 0.02), Action.FILE, "cat", "0.90 cat, 0.08 dog: at least 0.9"),
        ((0.899, 0.101, 0.0), Action.REVIEW, "cat", "0.89 cat, 0.10 dog: below 0.9"),
        ((0.1, 0.35, 0.55), Action.REVIEW, "fox", "0.55 fox, 0.35 dog: below 0.9"),
    ],
)
def test_a_sure_picture_is_filed_and_an_unsure_one_reviewed_with_the_reason(
    probabilities: tuple[float, ...], action: Action, category: str, reason: str
) -> None:
    expected = Decision(
        picture=PictureId("p"), action=action, category=category, confidence=max(probabilities), reason=reason
    )

    assert expected == decided(*probabilities)


def test_a_truncated_picture_is_never_filed_however_sure() -> None:
    decision = decided(1.0, 0.0, 0.0, truncated=True)

    assert Action.REVIEW is decision.action
    assert "only a part" in decision.reason


@given(st.lists(st.floats(0.001, 1), min_size=3, max_size=3), st.floats(0.01, 0.99), st.booleans())
def test_nothing_below_the_threshold_is_ever_filed(weights: list[float], threshold: float, truncated: bool) -> None:
    probabilities = [weight / sum(weights) for weight in weights]
    decision = decided(*probabilities, threshold=threshold, truncated=truncated)

    assert decision.confidence == max(probabilities)
    assert (decision.action is Action.FILE) == (max(probabilities) >= threshold and not truncated)
