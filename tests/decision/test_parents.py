"""Nested categories: where none is sure but their parent is, an image waits in the parent's own review folder."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.decision.decide import decide
from classifier.decision.parents import parents_of
from classifier.filing.destination import folder_for, is_in_its_folder
from classifier.reason_text import reason_message
from classifier.reasons import Reason, ReasonCode
from classifier.records import Action, Decision, ImageId

CATEGORIES = ("g/a", "g/b", "g", "h/x/1", "h/x/2", "h/y", "solo")


def decided(
    probabilities: dict[str, float],
    *,
    thresholds: dict[str, float] | None = None,
    threshold: float = 0.9,
    guaranteed: bool = False,
    truncated: bool = False,
    ood_score: float = 0.0,
) -> Decision:
    (decision,) = decide(
        [ImageId("1" * 64)],
        np.array([[probabilities.get(one, 0.0) for one in CATEGORIES]]),
        categories=CATEGORIES,
        thresholds=[(thresholds or {}).get(one, threshold) for one in CATEGORIES],
        truncated=[truncated],
        ood_scores=[ood_score],
        guaranteed=guaranteed,
        unknown_threshold=5.0,
        review_threshold=4.0,
    )
    return decision


@pytest.mark.parametrize(
    ("probabilities", "folder", "category"),
    [
        ({"g/a": 0.95, "g/b": 0.05}, "g/a", "g/a"),
        ({"g/a": 0.55, "g/b": 0.4, "solo": 0.05}, "g/_review", "g/a"),
        ({"g/a": 0.2, "g/b": 0.1, "g": 0.65, "solo": 0.05}, "g/_review", "g"),
        ({"g/a": 0.5, "g/b": 0.3, "solo": 0.2}, "_review/g/a", "g/a"),
        ({"h/x/1": 0.5, "h/x/2": 0.45, "h/y": 0.05}, "h/x/_review", "h/x/1"),
        ({"h/x/1": 0.4, "h/x/2": 0.2, "h/y": 0.35, "solo": 0.05}, "h/_review", "h/x/1"),
        ({"solo": 0.85, "g/a": 0.15}, "_review/solo", "solo"),
    ],
)
def test_the_innermost_folder_that_is_sure_is_where_it_waits(
    probabilities: dict[str, float], folder: str, category: str
) -> None:
    decision = decided(probabilities)

    assert (Path(folder), category) == (folder_for(decision), decision.category)
    assert probabilities[category] == decision.confidence
    assert (decision.action is Action.FILE) == ("_review" not in folder)


def test_the_reason_names_the_parent_and_the_likely_categories_in_it() -> None:
    decision = decided({"g/a": 0.55, "g/b": 0.4, "solo": 0.05})

    assert "0.55 g/a, 0.40 g/b: 0.95 for g, at least 0.9, but no category in it is sure enough" == str(
        reason_message(decision.reason)
    )


def test_a_parent_of_many_small_chances_takes_precedence_over_one_category_elsewhere() -> None:
    names = [*(f"g/{number}" for number in range(10)), "solo"]
    (decision,) = decide(
        [ImageId("1" * 64)],
        np.array([[0.09] * 9 + [0.094, 0.096]]),
        categories=names,
        thresholds=[0.9] * 11,
        truncated=[False],
        ood_scores=[None],
    )

    assert (Path("g/_review"), "g/9") == (folder_for(decision), decision.category)


@pytest.mark.parametrize("how", ["truncated", "near_ood"])
def test_a_picture_that_is_doubtful_itself_waits_as_before(how: str) -> None:
    probabilities = {"g/a": 0.55, "g/b": 0.4}
    decision = decided(probabilities, truncated=True) if how == "truncated" else decided(probabilities, ood_score=4.5)

    assert Path("_review/g/a") == folder_for(decision)


def test_with_a_guarantee_the_highest_threshold_that_can_be_reached_counts_and_nothing_is_promised() -> None:
    thresholds = {"g/a": 0.6, "g/b": 0.8, "g": 2.0}
    sure, unsure = (
        decided(probabilities, thresholds=thresholds, threshold=2.0, guaranteed=True)
        for probabilities in ({"g/a": 0.5, "g/b": 0.3}, {"g/a": 0.5, "g/b": 0.29})
    )

    assert (ReasonCode.SURE_OF_PARENT, ReasonCode.BELOW_GUARANTEE) == (sure.reason.code, unsure.reason.code)
    assert {Action.REVIEW} == {sure.action, unsure.action}
    assert "0.500 g/a, 0.300 g/b: 0.8 for g" in str(reason_message(sure.reason))


def test_what_a_person_ruled_out_is_no_chance_of_the_parent() -> None:
    probabilities = np.array([[-1.0, 0.4, 0.5, 0.0, 0.0, 0.0, 0.1], [0.3, -1.0, 0.3, 0.0, 0.0, 0.0, 0.1]])
    parents, sums = parents_of(CATEGORIES, [0.9] * 7).sure_of(probabilities)

    assert [0, -1] == parents.tolist()
    assert pytest.approx(0.9) == sums[0]


def test_categories_that_are_not_nested_have_no_parents() -> None:
    assert () == parents_of(["cat", "dog"], [0.9, 0.9]).names
    assert () == parents_of(["cat", "dog/big"], [0.9, 0.9]).names


@given(
    rows=st.lists(st.lists(st.integers(0, 100), min_size=7, max_size=7), min_size=1, max_size=8),
    threshold=st.floats(0.3, 0.99),
)
def test_what_is_filed_does_not_depend_on_parents(rows: list[list[int]], threshold: float) -> None:
    """The same names without levels: the same is filed, and what waits has a guess that is likely in its parent."""
    shares = np.array([[one + 1e-9 for one in row] for row in rows])
    probs = shares / shares.sum(axis=1, keepdims=True)
    flat = [name.replace("/", " ") for name in CATEGORIES]
    nested_, flat_ = (
        decide(
            [ImageId(str(number)) for number in range(len(rows))],
            probs,
            categories=names,
            thresholds=[threshold] * 7,
            truncated=[False] * len(rows),
            ood_scores=[None] * len(rows),
        )
        for names in (CATEGORIES, flat)
    )
    for row, nested, plain in zip(probs, nested_, flat_, strict=True):
        assert nested.action is plain.action
        if nested.reason.code is not ReasonCode.SURE_OF_PARENT:
            assert (plain.category, plain.confidence) == (nested.category.replace("/", " "), nested.confidence)
            continue
        parent = nested.reason.params["parent"]
        inside = [share for share, name in zip(row, CATEGORIES, strict=True) if f"{name}/".startswith(f"{parent}/")]
        assert math.isclose(max(inside), nested.confidence)
        assert sum(inside) >= threshold
        assert is_in_its_folder(Path(parent, "_review", "x.png"), nested)


@pytest.mark.parametrize(
    "params", ["{}", '{"levels": 0}', '{"levels": -1}', '{"levels": "x"}', '{"levels": 9}', "no", "5"]
)
def test_a_damaged_reason_leads_to_the_folder_of_the_guess(params: str) -> None:
    reason = Reason(ReasonCode.SURE_OF_PARENT, params)
    decision = Decision(image_id=ImageId("1"), action=Action.REVIEW, category="g/a", confidence=0.5, reason=reason)

    assert Path("_review/g/a") == folder_for(decision)
