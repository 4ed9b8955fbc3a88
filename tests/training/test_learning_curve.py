"""The learning curve ends at the measured level and ranks categories."""

from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.typing import NDArray

from classifier.model.head import STRENGTH
from classifier.model.holdout import HoldoutPredictions
from classifier.records import PictureId, Selection
from classifier.training.learning_curve import Curve, as_dict, learning_curve
from classifier.training.subset_heads import fit_subsets, standardize_pca

CATEGORIES = ("cat", "dog", "emu", "fox")
WIDTH = 60


def drawn(per_category: int, *, hard: tuple[int, ...] = ()) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Embeddings in which the `hard` categories lie closer together than the others."""
    draws = np.random.default_rng(0)
    centres = draws.normal(0, 0.5, (len(CATEGORIES), WIDTH))
    for index in hard:
        centres[index] = centres[hard[0]] + 0.1 * draws.normal(0, 1, WIDTH)
    targets = np.repeat(np.arange(len(CATEGORIES)), per_category)
    return (centres[targets] + draws.normal(0, 1, (len(targets), WIDTH))).astype(np.float32), targets


def judged(embeddings: NDArray[np.float32], targets: NDArray[np.int64]) -> HoldoutPredictions:
    (grown,) = fit_subsets(
        standardize_pca(embeddings),
        targets,
        np.arange(len(targets)),
        categories=len(CATEGORIES),
        shares=(1.0,),
        folds=3,
        strength=STRENGTH,
        seed=5,
    )
    return HoldoutPredictions(
        logits=grown.logits,
        truths=targets,
        groups=np.arange(len(targets)),
        pictures=(PictureId("0" * 64),) * len(targets),
        paths=("",) * len(targets),
        how="cross-fitted in 3 parts",
        selections=(Selection.PERSON,) * len(targets),
    )


def curve_of(embeddings: NDArray[np.float32], targets: NDArray[np.int64], measured: HoldoutPredictions) -> Curve | None:
    return learning_curve(
        embeddings,
        targets,
        np.arange(len(targets)),
        categories=CATEGORIES,
        measured=measured,
        strength=STRENGTH,
        folds=3,
        saw_labels=False,
    )


@pytest.fixture(scope="module")
def curve() -> Curve:
    embeddings, targets = drawn(30, hard=(1, 2))
    found = curve_of(embeddings, targets, judged(embeddings, targets))
    assert found is not None
    return found


def test_its_last_point_is_what_was_measured() -> None:
    embeddings, targets = drawn(30)
    measured = judged(embeddings, targets)
    curve = curve_of(embeddings, targets, measured)

    assert curve is not None
    assert pytest.approx((measured.logits.argmax(axis=1) == targets).mean()) == curve.points[-1].accuracy


def test_the_forecast_continues_the_curve(curve: Curve) -> None:
    labels = [point.labels for point in curve.points]

    assert sorted(labels) == labels
    assert curve.points[0].accuracy < curve.points[-1].accuracy
    assert [(2, 240), (4, 480)] == [(ahead.times, ahead.labels) for ahead in curve.forecasts]
    assert curve.points[-1].accuracy < curve.forecasts[0].accuracy.mean < curve.forecasts[1].accuracy.mean < 1


def test_every_forecast_lies_within_its_range(curve: Curve) -> None:
    for ahead in curve.forecasts:
        for expected in (ahead.accuracy, *ahead.coverage):
            assert 0 <= expected.low <= expected.mean <= expected.high <= 1


def test_categories_that_are_mixed_up_come_first(curve: Curve) -> None:
    assert {"dog", "emu"} == {need.category for need in curve.needs[:2]}
    assert all(0 <= need.gain <= need.unsettled <= 1 for need in curve.needs)


def test_of_two_confused_categories_the_rarer_gains_more() -> None:
    embeddings, targets = drawn(60, hard=(1, 2))
    fewer = np.concatenate([np.flatnonzero(targets != 2), np.flatnonzero(targets == 2)[:20]])
    curve = curve_of(embeddings[fewer], targets[fewer], judged(embeddings[fewer], targets[fewer]))

    assert curve is not None
    assert "emu" == curve.needs[0].category


def test_too_few_images_give_no_curve() -> None:
    embeddings, targets = drawn(4)

    assert curve_of(embeddings, targets, judged(embeddings, targets)) is None


def test_a_curve_can_be_written_as_json(curve: Curve) -> None:
    values = json.loads(json.dumps(as_dict(curve), allow_nan=False))

    assert [0.02, 0.05, 0.1] == values["max_errors"]
    assert {"mean", "low", "high"} == set(values["forecasts"][0]["accuracy"])
