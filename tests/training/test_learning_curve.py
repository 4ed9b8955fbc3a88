"""The learning curve ends at the measured level and ranks categories."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import logit

from classifier.model.head import fit_head
from classifier.model.holdout import HoldoutMethod, HoldoutPredictions
from classifier.records import ImageId, Selection
from classifier.training.learning_curve import Expected, LearningCurve, as_dict, learning_curve

CATEGORIES = ("cat", "dog", "emu", "fox")
WIDTH = 60


def drawn(
    per_category: int, *, hard: tuple[int, ...] = (), seed: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Embeddings in which the `hard` categories lie closer together than the others."""
    draws = np.random.default_rng(seed)
    centres = draws.normal(0, 0.5, (len(CATEGORIES), WIDTH))
    for index in hard:
        centres[index] = centres[hard[0]] + 0.1 * draws.normal(0, 1, WIDTH)
    targets = np.repeat(np.arange(len(CATEGORIES)), per_category)
    return (centres[targets] + draws.normal(0, 1, (len(targets), WIDTH))).astype(np.float32), targets


def judged(embeddings: NDArray[np.float32], targets: NDArray[np.int64], folds: int = 3) -> HoldoutPredictions:
    logits = np.zeros((len(targets), len(CATEGORIES)), dtype=np.float32)
    fold = np.random.default_rng(5).permutation(len(targets)) % folds
    for held_out in (fold == number for number in range(folds)):
        logits[held_out] = fit_head(embeddings[~held_out], targets[~held_out])(embeddings[held_out])
    return HoldoutPredictions(
        logits=logits,
        targets=targets,
        groups=np.arange(len(targets)),
        image_ids=(ImageId("0" * 64),) * len(targets),
        paths=("",) * len(targets),
        method=HoldoutMethod(3),
        selections=(Selection.PERSON,) * len(targets),
    )


def curve_of(
    embeddings: NDArray[np.float32],
    targets: NDArray[np.int64],
    measured: HoldoutPredictions | None = None,
    groups: NDArray[np.int64] | None = None,
) -> LearningCurve | None:
    return learning_curve(
        embeddings,
        targets,
        np.arange(len(targets)) if groups is None else groups,
        categories=CATEGORIES,
        measured=measured or judged(embeddings, targets),
        folds=3,
    )


@pytest.fixture(scope="module")
def curve() -> LearningCurve:
    found = curve_of(*drawn(60, hard=(1, 2)))
    assert found is not None
    return found


def test_its_last_point_is_what_was_measured() -> None:
    embeddings, targets = drawn(30)
    measured = judged(embeddings, targets)
    curve = curve_of(embeddings, targets, measured)

    assert curve is not None
    assert pytest.approx((measured.logits.argmax(axis=1) == targets).mean()) == curve.points[-1].accuracy


def test_the_forecast_continues_the_curve() -> None:
    curve = curve_of(*drawn(30))
    assert curve is not None
    labels = [point.labels for point in curve.points]

    assert sorted(labels) == labels
    assert curve.points[0].accuracy < curve.points[-1].accuracy
    assert [(2, 240), (4, 480)] == [(ahead.times, ahead.labels) for ahead in curve.forecasts]
    assert curve.points[-1].accuracy < curve.forecasts[0].accuracy.mean < curve.forecasts[1].accuracy.mean < 1


def test_every_forecast_lies_within_its_range(curve: LearningCurve) -> None:
    for ahead in curve.forecasts:
        for expected in (ahead.accuracy, *ahead.coverage):
            assert 0 <= expected.low <= expected.mean <= expected.high <= 1


def test_categories_that_are_mixed_up_come_first(curve: LearningCurve) -> None:
    assert {"dog", "emu"} == {need.category for need in curve.needs[:2]}
    assert all(0 <= need.gain <= need.unsettled <= 1 for need in curve.needs)


def test_of_two_confused_categories_the_rarer_gains_more() -> None:
    embeddings, targets = drawn(60, hard=(1, 2))
    fewer = np.concatenate([np.flatnonzero(targets != 2), np.flatnonzero(targets == 2)[:20]])
    curve = curve_of(embeddings[fewer], targets[fewer])

    assert curve is not None
    assert "emu" == curve.needs[0].category


def test_too_few_images_give_no_curve() -> None:
    assert curve_of(*drawn(4)) is None


def test_one_category_beside_a_single_image_gives_no_curve() -> None:
    embeddings, targets = drawn(30)
    rows = np.append(np.flatnonzero(targets == 0), np.flatnonzero(targets == 1)[:1])

    assert curve_of(embeddings[rows], targets[rows], judged(embeddings, targets)) is None


def test_a_category_of_one_group_is_handled() -> None:
    embeddings, targets = drawn(30)
    groups = np.where(targets == 3, 0, 1 + np.arange(len(targets)))
    found = curve_of(embeddings, targets, groups=groups)

    assert found is not None
    assert all(0 < point.accuracy < 1 for point in found.points)


def test_near_duplicates_are_held_out_together() -> None:
    """Copies share a label that nothing shows; learning from one copy would give the other away."""
    draws = np.random.default_rng(0)
    once = draws.normal(size=(60, WIDTH)).astype(np.float32)
    embeddings, targets = np.concatenate([once, once]), np.tile(draws.permutation(np.arange(60) % 4), 2)
    measured = judged(embeddings, targets)
    apart, together = (
        curve_of(embeddings, targets, measured, groups) for groups in (np.arange(120), np.tile(np.arange(60), 2))
    )

    assert apart is not None
    assert together is not None
    assert apart.points[-1].accuracy - apart.points[0].accuracy > 0.2
    assert together.points[-1].accuracy - together.points[0].accuracy < 0.1


def test_no_error_among_few_images_still_leaves_a_range() -> None:
    embeddings, targets = drawn(30)
    perfect = replace(judged(embeddings, targets), logits=10 * np.eye(4, dtype=np.float32)[targets])
    found = curve_of(embeddings, targets, perfect)

    assert found is not None
    assert found.forecasts[0].accuracy.low < 0.99 < found.forecasts[0].accuracy.mean


def test_a_forecast_further_ahead_is_less_certain(curve: LearningCurve) -> None:
    def deviation(expected: Expected) -> float:
        return float(logit(expected.high) - logit(expected.low))

    assert deviation(curve.forecasts[0].accuracy) < deviation(curve.forecasts[1].accuracy)


def test_most_ranges_contain_what_twice_the_labels_achieve() -> None:
    hits = 0
    for seed in range(10):
        embeddings, targets = drawn(140, seed=seed)
        number = np.arange(len(targets)) % 140
        few, more, rest = number < 20, number < 40, number >= 40
        found = curve_of(embeddings[few], targets[few])
        assert found is not None
        right = fit_head(embeddings[more], targets[more])(embeddings[rest]).argmax(axis=1) == targets[rest]
        hits += found.forecasts[0].accuracy.low <= right.mean() <= found.forecasts[0].accuracy.high

    assert hits >= 7


def test_a_curve_can_be_written_as_json(curve: LearningCurve) -> None:
    values = json.loads(json.dumps(as_dict(curve), allow_nan=False))

    assert [0.02, 0.05, 0.1] == values["max_errors"]
    assert {"mean", "low", "high"} == set(values["forecasts"][0]["accuracy"])
