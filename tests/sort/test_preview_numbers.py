"""The numbers of a preview: for every threshold what a sort with it would file, and twelve samples of a category."""

from __future__ import annotations

import pytest

from classifier.catalog.planned import PlannedImage
from classifier.reasons import ReasonCode
from classifier.records import Action
from classifier.sort.preview_numbers import SAMPLES, preview_numbers, thresholds_as_one


def image(number: int, confidence: float, *, threshold: float = 0.9, category: str = "a") -> PlannedImage:
    """One that the threshold decides."""
    is_filed = confidence >= threshold
    code = ReasonCode.ABOVE_THRESHOLD if is_filed else ReasonCode.BELOW_THRESHOLD
    action = Action.FILE if is_filed else Action.REVIEW
    return PlannedImage(f"{number:064x}", action.value, category, confidence, code.value)


IMAGES = [image(number, number / 100) for number in range(40, 100)]


def test_each_step_files_what_reaches_its_threshold() -> None:
    numbers = preview_numbers(IMAGES, threshold=0.9)

    for step in numbers["steps"]:
        above = [one.confidence for one in IMAGES if one.confidence >= step["threshold"]]
        assert (len(above), [len(above)]) == (step["filed"], step["by_category"])
        assert sum(1 - one for one in above) == pytest.approx(step["wrong"], abs=0.01)
    assert 0.9 == numbers["steps"][numbers["asked"]]["threshold"]
    assert [0.99, 0.999] == [step["threshold"] for step in numbers["steps"]][-2:]


def test_steps_that_file_the_same_are_offered_once() -> None:
    numbers = preview_numbers([image(1, 0.5), image(2, 0.97)], threshold=0.9)

    assert [0.5, 0.9, 0.97, 0.999] == [step["threshold"] for step in numbers["steps"]]


def test_what_a_person_or_the_ood_score_decided_stands_at_every_step() -> None:
    fixed = [
        PlannedImage("b" * 64, "file", "a", 0.1, ReasonCode.ANNOTATED),
        PlannedImage("c" * 64, "review", "a", 0.99, ReasonCode.TRUNCATED),
        PlannedImage("d" * 64, "unknown", "a", 0.99, ReasonCode.OOD),
    ]
    numbers = preview_numbers([*fixed, image(1, 0.95)], threshold=0.9)

    assert {(1, 0.0), (2, 0.05)} == {(step["filed"], step["wrong"]) for step in numbers["steps"]}
    assert [{"category": "a", "filed": 2, "review": 1, "unknown": 1}] == numbers["table"]


def test_thresholds_for_each_category_are_one_step_of_their_own() -> None:
    images = [image(number, 0.5 + number / 200, threshold=0.7, category="ab"[number % 2]) for number in range(99)]
    numbers = preview_numbers(images, threshold=None)
    asked = numbers["steps"][numbers["asked"]]

    assert asked["threshold"] is None
    assert sum(one.confidence >= 0.7 for one in images) == asked["filed"]
    filed = [step["filed"] for step in numbers["steps"]]
    assert filed == sorted(filed, reverse=True)


def test_samples_hold_the_least_sure_that_are_filed_and_the_surest_that_wait() -> None:
    samples = preview_numbers(IMAGES, threshold=0.9)["samples"]
    filed = [one["confidence"] for one in samples if one["action"] == "file"]
    waiting = [one["confidence"] for one in samples if one["action"] == "review"]

    assert SAMPLES == len(samples)
    assert [0.9, 0.91, 0.92, 0.93, 0.94, 0.95] == filed[:6]
    assert {0.87, 0.88, 0.89} <= set(waiting)
    assert samples == sorted(samples, key=lambda one: one["confidence"])


def test_nothing_to_decide_is_one_step_without_pictures() -> None:
    numbers = preview_numbers([], threshold=0.9)

    assert ([], [], 0) == (numbers["table"], numbers["samples"], numbers["steps"][numbers["asked"]]["filed"])


@pytest.mark.parametrize(("thresholds", "one"), [((0.9, 0.9), 0.9), ((0.9, 0.8), None), ((2.0,), None), ((), None)])
def test_equal_thresholds_are_one(thresholds: tuple[float, ...], one: float | None) -> None:
    assert one == thresholds_as_one(thresholds)
