"""The learning curve: measured points, a forecast for twice the labels, and the categories that gain most.

Heads fitted to growing subsets give the curve's shape; its level is that of the held-out predictions.
"""

# Shapes: N labeled images, D embedding width, K categories, P points, E error rates, B resamplings.

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from classifier.model.calibration import fit_temperature, probabilities
from classifier.training.label_priority import CategoryPriority, rank_categories
from classifier.training.metrics import coverage_at
from classifier.training.power_law import Expected, PowerLaw, fit_power_law, log_odds, shifted
from classifier.training.subset_heads import SubsetScores, fit_subsets, standardize_pca

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from classifier.model.holdout import HoldoutPredictions

MAX_ERRORS: Final = (0.02, 0.05, 0.10)
"""Shares of wrong images among those filed, at which coverage is reported."""
ASKED: Final = 1
"""Which of them the needs of categories are told at."""
TIMES: Final = (2, 4)
"""How many times the labels there are now are looked ahead to."""
_SHARES: Final = (0.25, 0.5, 0.75, 1.0)
_FEWEST_GROUPS: Final = 20
_PICTURES_OF_DRAWS: Final = 3000
_MOST_DRAWS: Final = 6
_RESAMPLINGS: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What so many labels came to: `coverage` in hindsight at each of `MAX_ERRORS`, all 0..1."""

    labels: int
    accuracy: float
    coverage: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What `times` as many labels as now are expected to come to, if they are such as those there are."""

    times: int
    labels: int
    accuracy: Expected
    coverage: tuple[Expected, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Points by growing number of labels, the last as it was measured; forecasts; categories, the neediest first.

    `saw_labels` says that the features had been trained on these very labels: then the curve comes out flatter than
    it is, and promises less than more labels will bring.
    """

    max_errors: tuple[float, ...]
    points: tuple[Point, ...]
    forecasts: tuple[Forecast, ...]
    needs: tuple[CategoryPriority, ...]
    saw_labels: bool


def learning_curve(
    embeddings_ND: NDArray[np.float32],
    targets_N: NDArray[np.int64],
    groups_N: NDArray[np.int64],
    *,
    categories: Sequence[str],
    measured: HoldoutPredictions,
    strength: float,
    folds: int,
    saw_labels: bool,
    seed: int = 0,
) -> Curve | None:
    """The curve for labeled images, whose near-duplicates share a number in `groups_N`; seconds for thousands.

    `measured` sets the level: it was made with `folds` parts, each held out once. `strength` is that of the heads.
    None when there are too few images to tell anything.
    """
    if len(np.unique(groups_N)) < _FEWEST_GROUPS or len(measured) == 0:
        return None
    folds = max(2, folds)
    features = standardize_pca(embeddings_ND)
    draws = int(np.clip(_PICTURES_OF_DRAWS // len(targets_N), 1, _MOST_DRAWS))
    grown = [
        list(
            fit_subsets(
                features,
                targets_N,
                groups_N,
                categories=len(categories),
                shares=_SHARES,
                folds=folds,
                strength=strength,
                seed=seed + draw,
            )
        )
        for draw in range(draws)
    ]
    laws, shares_PM = _laws(grown, targets_N, groups_N, measured, folds=folds)
    labels_P = [round(float(np.mean([draw[point].labels for draw in grown]))) for point in range(len(_SHARES))]
    return Curve(
        max_errors=MAX_ERRORS,
        points=tuple(
            Point(labels=count, accuracy=1 - row[0], coverage=tuple(1 - share for share in row[1:]))
            for count, row in zip(labels_P, shares_PM.tolist(), strict=True)
        ),
        forecasts=tuple(_forecast(laws, times=times, labels=times * len(targets_N)) for times in TIMES),
        needs=rank_categories(
            measured,
            counts=np.bincount(targets_N, minlength=len(categories)),
            categories=categories,
            max_error=MAX_ERRORS[ASKED],
        ),
        saw_labels=saw_labels,
    )


def as_dict(curve: Curve) -> dict[str, Any]:
    """The curve as values that JSON knows."""
    return asdict(curve)


def _forecast(laws: list[PowerLaw], *, times: int, labels: int) -> Forecast:
    expected = [_inverted(law.at(labels)) for law in laws]
    return Forecast(times=times, labels=labels, accuracy=expected[0], coverage=tuple(expected[1:]))


def _inverted(bad: Expected) -> Expected:
    return Expected(mean=1 - bad.mean, low=1 - bad.high, high=1 - bad.low)


def _laws(
    grown: list[list[SubsetScores]],
    targets_N: NDArray[np.int64],
    groups_N: NDArray[np.int64],
    measured: HoldoutPredictions,
    *,
    folds: int,
) -> tuple[list[PowerLaw], NDArray[np.float64]]:
    """A law for the share of errors and for what is left over at each error rate; and the shifted points, (P, 1+E)."""
    labels_P = np.mean([[step.labels for step in draw] for draw in grown], axis=0)
    judged = [[_judged(step.logits, targets_N) for step in draw] for draw in grown]
    shares_PM, spread_BPM = _with_spread(judged, groups_N)
    level_1M, spread_B1M = _with_spread([[_judged(measured.logits, measured.truths)]], measured.groups)
    # Drawing images again leaves out that other labels would have made other heads (Nadeau and Bengio 2003).
    wider = np.sqrt(1 + folds / (folds - 1))
    apart_PM = wider * np.maximum((spread_BPM - spread_BPM[:, -1:]).std(axis=0), 0.5 / len(targets_N))
    count = len(np.unique(measured.groups))
    # Where hardly any image was bad, those drawn again are all alike, and counting alone says how unsure that is.
    counting_M = np.sqrt(1 / (count * level_1M[0]) + 1 / (count * (1 - level_1M[0])))
    error_M = wider * np.maximum(log_odds(spread_B1M[:, 0]).std(axis=0), counting_M)
    moved_PM = shifted(shares_PM, level_1M[0])
    # The shift moves odds; a distance between shares grows by this.
    apart_PM *= moved_PM * (1 - moved_PM) / (shares_PM * (1 - shares_PM))
    laws = [
        fit_power_law(labels_P, moved_PM[:, column], apart_PM[:, column], error=float(error), by_odds=column > 0)
        for column, error in enumerate(error_M)
    ]
    return laws, moved_PM


def _with_spread(
    judged: list[list[tuple[NDArray[Any], NDArray[Any]]]], groups_N: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What is bad, (P, 1+E), and the same for images drawn again and again, (B, P, 1+E)."""
    spread = [_bad(judged, rows) for rows in _resampled(groups_N)]
    return _bad(judged, np.arange(len(groups_N))), np.stack(spread)


def _judged(logits_NK: NDArray[np.float32], targets_N: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[Any]]:
    """The confidence of each image's guess, calibrated, and whether the guess is right."""
    shares = probabilities(logits_NK, fit_temperature(logits_NK, targets_N))
    return shares.max(axis=1), shares.argmax(axis=1) == targets_N


def _bad(judged: list[list[tuple[NDArray[Any], NDArray[Any]]]], rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Share of errors, and shares left over at each error rate, of these rows: (P, 1+E), the mean of the draws."""
    edge = 0.5 / max(1, len(rows))
    shares = [
        [
            [
                1 - is_right[rows].mean(),
                *(1 - coverage_at(rate, confidences[rows], is_right[rows]).share for rate in MAX_ERRORS),
            ]
            for confidences, is_right in draw
        ]
        for draw in judged
    ]
    return np.asarray(np.clip(np.mean(shares, axis=0), edge, 1 - edge), dtype=np.float64)


def _resampled(groups_N: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Rows drawn with replacement, group by group, so often as is enough for a standard error; always the same."""
    draws = np.random.default_rng(0)
    _, group_N = np.unique(groups_N, return_inverse=True)
    count = group_N.max() + 1
    resampled = []
    for _ in range(_RESAMPLINGS):
        times_G = np.bincount(draws.integers(count, size=count), minlength=count)
        resampled.append(np.repeat(np.arange(len(group_N)), times_G[group_N]))
    return resampled
