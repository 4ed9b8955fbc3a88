"""Metrics agree with counting by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from classifier.training.metrics import Evaluation, as_dict, calibration_error, coverage_at, evaluate

PROBABILITIES = np.array([[0.9, 0.1, 0.0], [0.2, 0.8, 0.0], [0.7, 0.3, 0.0], [0.4, 0.6, 0.0]])
TARGETS = np.array([0, 1, 1, 1])
PATHS = [Path(f"folder/{name}.png") for name in "abcd"]


def measured() -> Evaluation:
    return evaluate(PROBABILITIES, TARGETS, categories=("cat", "dog", "emu"), paths=PATHS)


def test_accuracy_precision_and_recall_are_what_counting_by_hand_gives() -> None:
    evaluation = measured()

    assert (4, 0.75) == (evaluation.count, evaluation.accuracy)
    assert [("cat", 1, 2, 0.5, 1.0), ("dog", 3, 2, 1.0, 2 / 3), ("emu", 0, 0, None, None)] == [
        (figures.category, figures.count, figures.guessed, figures.precision, figures.recall)
        for figures in evaluation.per_category
    ]
    assert ((1, 0, 0), (1, 2, 0), (0, 0, 0)) == evaluation.matrix
    assert [("dog", "cat", 1)] == [(c.category, c.taken_for, c.count) for c in evaluation.confusions]
    assert pytest.approx(-np.log([0.9, 0.8, 0.3, 0.6]).mean()) == evaluation.log_loss


def test_the_most_confident_mistakes_come_first() -> None:
    probabilities = np.array([[0.6, 0.4], [0.9, 0.1], [0.2, 0.8]])
    mistakes = evaluate(probabilities, np.array([1, 1, 1]), categories=("cat", "dog"), paths=PATHS[:3]).mistakes

    assert [("b.png", "dog", "cat", 0.9), ("a.png", "dog", "cat", 0.6)] == [
        (mistake.path.name, mistake.category, mistake.predicted, mistake.confidence) for mistake in mistakes
    ]


def test_an_evaluation_can_be_written_as_json() -> None:
    values = json.loads(json.dumps(as_dict(measured()), allow_nan=False))

    assert (0.75, None) == (values["accuracy"], values["per_category"][2]["precision"])
    assert "folder/c.png" == values["mistakes"][0]["path"]
    assert {"category": "dog", "taken_for": "cat", "count": 1} == values["confusions"][0]


def test_without_pictures_nothing_is_claimed() -> None:
    evaluation = evaluate(np.empty((0, 2)), np.empty(0, dtype=np.int64), categories=("cat", "dog"), paths=[])

    assert (0, None, None, None) == (
        evaluation.count,
        evaluation.accuracy,
        evaluation.log_loss,
        evaluation.calibration_error,
    )
    assert {0.0} == {coverage.share for coverage in evaluation.coverage}


def test_a_probability_of_zero_gives_a_finite_log_loss() -> None:
    evaluation = evaluate(np.array([[1.0, 0.0]]), np.array([1]), categories=("cat", "dog"), paths=PATHS[:1])

    assert evaluation.log_loss is not None
    assert 100 < evaluation.log_loss < np.inf


@pytest.mark.parametrize(
    ("confidences", "is_right", "expected"),
    [
        ([0.8] * 5, [True] * 4 + [False], 0.0),
        ([1.0, 1.0], [False, False], 1.0),
        ([0.9, 0.5], [True, True], 0.3),
    ],
)
def test_the_calibration_error_is_the_gap_between_confidence_and_truth(
    confidences: list[float], is_right: list[bool], expected: float
) -> None:
    assert pytest.approx(expected) == calibration_error(np.array(confidences), np.array(is_right))


@pytest.mark.parametrize(
    ("confidences", "is_right", "max_error", "expected"),
    [
        ([0.9, 0.8, 0.7, 0.6], [True, True, True, False], 0.05, (0.75, 0.7)),
        ([0.9, 0.8, 0.7, 0.6], [False, True, True, True], 0.25, (1.0, 0.6)),  # a sure mistake that the others outweigh
        ([0.9, 0.8], [False, False], 0.10, (0.0, None)),
        ([0.9, 0.9, 0.5], [True, False, True], 0.05, (0.0, None)),  # no threshold parts equals
        ([0.9, 0.9, 0.5], [False, True, True], 0.5, (1.0, 0.5)),
    ],
)
def test_coverage_is_what_one_threshold_could_file(
    confidences: list[float], is_right: list[bool], max_error: float, expected: tuple[float, float | None]
) -> None:
    coverage = coverage_at(max_error, np.array(confidences), np.array(is_right))

    assert expected == (coverage.share, coverage.threshold)
