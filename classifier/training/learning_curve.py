"""The learning curve: measured points, a forecast for more labels, and the categories whose next labels help most.

The odds of what is bad (a wrong image, or one that is not filed) are taken to fall as a power of the number of labels.
Heads fitted to growing subsets of the labels give the power, the held-out predictions the level.
"""

# Shapes: N labeled images, D embedding width, K categories, P subsets, M measures (errors, then what is not filed at
# each of MAX_ERRORS), B resamplings, of which the first is the images as they are.

from __future__ import annotations

import warnings
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from classifier.model.calibration import fit_temperature, probabilities
from classifier.model.head import STRENGTH, fit_pca
from classifier.training.metrics import coverage_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from classifier.model.holdout import HoldoutPredictions

MAX_ERRORS: Final = (0.02, 0.05, 0.10)
"""Error rates among filed images at which coverage is reported."""
NEXT_LABELS: Final = 10
"""How many more labels of a category its gain is for."""
_RANKED_AT: Final = 0.05
_TIMES: Final = (2, 4)
_SUBSETS: Final = (0.25, 0.5, 0.75, 1.0)
_FEWEST_GROUPS: Final = 20
_MOST_REPEATS, _IMAGES_OF_REPEATS = 6, 3000
_RESAMPLINGS: Final = 200
_POWER_M = np.array([0.5, *(1.0 for _ in MAX_ERRORS)])
_DEVIATION_M = np.array([0.3, *(0.5 for _ in MAX_ERRORS)])
"""The normal prior of the powers: four noisy points alone say little about them (docs/LOG.md)."""
_DEVIATIONS: Final = 1.2816
"""Standard deviations on either side that contain 80% of a normal distribution."""
_PRIOR_IMAGES: Final = 10
"""Images like the average that each category is given: with eight images, no error says little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A share, 0..1: its expected value and an interval that contains it with a probability of 80%."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What `labels` labels achieve; `coverage` is in hindsight, at each of `MAX_ERRORS`; all 0..1."""

    labels: int
    accuracy: float
    coverage: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What `times` as many labels as now are expected to achieve, if they are like the present ones."""

    times: int
    labels: int
    accuracy: Expected
    coverage: tuple[Expected, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryPriority:
    """One category: its `labels`, the share of its images that is unsettled, and what its next labels would bring.

    An image is unsettled if it is wrong or left to a person. `gain` is the share of the category's images that
    `NEXT_LABELS` more labels are expected to settle: rough, and good to rank by.
    """

    category: str
    labels: int
    unsettled: float
    gain: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningCurve:
    """Points by growing number of labels, the last one as measured; forecasts; categories by falling gain."""

    max_errors: tuple[float, ...]
    points: tuple[Point, ...]
    forecasts: tuple[Forecast, ...]
    needs: tuple[CategoryPriority, ...]


def learning_curve(
    embeddings_ND: NDArray[np.float32],
    targets_N: NDArray[np.int64],
    groups_N: NDArray[np.int64],
    *,
    categories: Sequence[str],
    measured: HoldoutPredictions,
    folds: int,
    seed: int = 0,
) -> LearningCurve | None:
    """The curve for labeled images, whose near-duplicates share a number in `groups_N`; seconds for thousands.

    The network of the embeddings must not have been trained on these labels. `measured` sets the level; it was made
    with `folds` parts, each held out once. None if there are too few images.
    """
    firsts = np.unique(groups_N, return_index=True)[1]
    learnable = (np.bincount(targets_N[firsts]) > 1).sum()
    if len(firsts) < _FEWEST_GROUPS or learnable < 2 or not len(measured):  # noqa: PLR2004 - a head separates two
        return None
    labels_P, odds_BPM = _subset_odds(embeddings_ND, targets_N, groups_N, folds=folds, seed=seed)
    level_BM = logit(_bad(*_confidences(measured), _resampled(measured.groups)))
    # Resampled images leave out that other labels would have made other heads (Nadeau and Bengio 2003).
    wider = np.sqrt(1 + folds / (folds - 1))
    power_M, power_error_M = _power(labels_P, odds_BPM, wider)
    bad_M = expit(level_BM[0])
    counting_M = 1 / np.sqrt(len(np.unique(measured.groups)) * bad_M * (1 - bad_M))
    level_error_M = wider * np.maximum(level_BM[1:].std(axis=0), counting_M)
    points_PM = 1 - expit(odds_BPM[0] - odds_BPM[0, -1] + level_BM[0])
    forecasts = []
    for times in _TIMES:
        error_M = np.hypot(level_error_M, power_error_M * np.log(times))
        accuracy, *coverage = _expected(level_BM[0] - power_M * np.log(times), error_M)
        labels = times * len(targets_N)
        forecasts.append(Forecast(times=times, labels=labels, accuracy=accuracy, coverage=tuple(coverage)))
    return LearningCurve(
        max_errors=MAX_ERRORS,
        points=tuple(
            Point(labels=round(labels), accuracy=accuracy, coverage=tuple(coverage))
            for labels, (accuracy, *coverage) in zip(labels_P.tolist(), points_PM.tolist(), strict=True)
        ),
        forecasts=tuple(forecasts),
        needs=_ranked(measured, counts_K=np.bincount(targets_N, minlength=len(categories)), categories=categories),
    )


def as_dict(curve: LearningCurve) -> dict[str, Any]:
    """The curve as JSON values; earlier versions require `saw_labels`."""
    return asdict(curve) | {"saw_labels": False}


def _subset_odds(
    embeddings_ND: NDArray[np.float32],
    targets_N: NDArray[np.int64],
    groups_N: NDArray[np.int64],
    *,
    folds: int,
    seed: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The mean number of labels in each subset, (P,), and the log-odds of what is bad after it, (B, P, M)."""
    features, weights_BN = fit_pca(embeddings_ND)(embeddings_ND), _resampled(groups_N)
    column_N = np.unique(targets_N, return_inverse=True)[1]
    repeats = int(np.clip(_IMAGES_OF_REPEATS // len(targets_N), 1, _MOST_REPEATS))
    labels, bad = [], []
    for subset in _SUBSETS:
        for repeat in range(repeats):
            splits = _splits(targets_N, groups_N, subset=subset, folds=folds, seed=seed + repeat)
            labels.append(np.mean([len(learned) for learned, _ in splits]))
            probs_NK = _cross_fit(features, targets_N, splits)
            bad.append(_bad(probs_NK.max(axis=1), probs_NK.argmax(axis=1) == column_N, weights_BN))
    bad_PRBM = np.reshape(bad, (len(_SUBSETS), repeats, *bad[0].shape))
    return np.reshape(labels, (-1, repeats)).mean(axis=1), logit(bad_PRBM.mean(axis=1).swapaxes(0, 1))


def _splits(
    targets_N: NDArray[np.int64], groups_N: NDArray[np.int64], *, subset: float, folds: int, seed: int
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Rows to fit to and rows held out, for each fold; a smaller subset lies within a larger one.

    The groups of a category are dealt to the folds in turn. The first of each fold is in every subset, so that no
    category goes without labels.
    """
    _, firsts, group_N = np.unique(groups_N, return_index=True, return_inverse=True)
    category_G = targets_N[firsts]
    dealt = np.lexsort((np.random.default_rng(seed).random(len(firsts)), category_G))
    number, ordered = np.arange(len(dealt)), category_G[dealt]
    rounds = (number - np.searchsorted(ordered, ordered)) // folds
    last_round = rounds[np.searchsorted(ordered, ordered, side="right") - 1]
    fold_G, drawn_G = np.empty_like(number), np.empty(len(number), dtype=bool)
    fold_G[dealt], drawn_G[dealt] = number % folds, rounds < subset * (last_round + 1)
    fold_N, drawn_N = fold_G[group_N], drawn_G[group_N]
    return [(np.flatnonzero((fold_N != fold) & drawn_N), np.flatnonzero(fold_N == fold)) for fold in range(folds)]


def _cross_fit(
    features_NR: NDArray[np.float32],
    targets_N: NDArray[np.int64],
    splits: list[tuple[NDArray[np.int64], NDArray[np.int64]]],
) -> NDArray[np.float64]:
    """Probabilities of each image by a head not fitted to it, (N, K)."""
    head = LogisticRegression(C=STRENGTH, max_iter=60, tol=1e-3)
    with warnings.catch_warnings():  # a head close to its optimum, or without a category of one group, is meant
        warnings.simplefilter("ignore")
        return np.asarray(cross_val_predict(head, features_NR, targets_N, cv=splits, method="predict_proba"))


def _confidences(measured: HoldoutPredictions) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The calibrated confidence of each prediction, (N,), and whether it is right, (N,)."""
    probs = probabilities(measured.logits, fit_temperature(measured.logits, measured.targets))
    return probs.max(axis=1), probs.argmax(axis=1) == measured.targets


def _resampled(groups_N: NDArray[np.int64]) -> NDArray[np.float64]:
    """Weights of images, (B, N), by the Bayesian bootstrap over groups (Rubin 1981); 1 in the first row."""
    _, group_N = np.unique(groups_N, return_inverse=True)
    weights_BG = np.random.default_rng(0).exponential(size=(1 + _RESAMPLINGS, group_N.max() + 1))
    weights_BG[0] = 1
    return np.asarray(weights_BG[:, group_N])


def _bad(
    confidence_N: NDArray[np.float64], is_right_N: NDArray[np.bool_], weights_BN: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The shares of wrong images and of those not filed at each error rate, (B, M), within 0..1, exclusive."""
    ranked = np.argsort(-confidence_N, kind="stable")
    filed_BN = np.cumsum(weights_BN[:, ranked], axis=1)
    wrong_BN = np.cumsum(weights_BN[:, ranked] * ~is_right_N[ranked], axis=1)
    all_B = filed_BN[:, -1]
    most = [np.where(wrong_BN <= rate * filed_BN, filed_BN, 0).max(axis=1) for rate in MAX_ERRORS]
    shares_BM = np.stack([wrong_BN[:, -1] / all_B, *(1 - filed_B / all_B for filed_B in most)], axis=1)
    return np.asarray(np.clip(shares_BM, 0.5 / len(ranked), 1 - 0.5 / len(ranked)))


def _power(
    labels_P: NDArray[np.float64], odds_BPM: NDArray[np.float64], wider: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The power by which the odds fall, (M,), with its standard error, (M,): least squares and prior together."""
    log_labels = np.log(labels_P) - np.log(labels_P).mean()
    powers_BM = -np.einsum("p,bpm->bm", log_labels, odds_BPM) / (log_labels @ log_labels)
    precision_M = 1 / np.maximum(wider * powers_BM[1:].std(axis=0), 1e-3) ** 2
    prior_M = 1 / _DEVIATION_M**2
    power_M = (powers_BM[0] * precision_M + _POWER_M * prior_M) / (precision_M + prior_M)
    return np.maximum(power_M, 0), 1 / np.sqrt(precision_M + prior_M)


def _expected(odds_M: NDArray[np.float64], error_M: NDArray[np.float64]) -> list[Expected]:
    """What is good, from the log-odds of what is bad and their standard errors."""
    means, lows, highs = (1 - expit(odds_M + side * error_M) for side in (0, _DEVIATIONS, -_DEVIATIONS))
    return [
        Expected(mean=float(mean), low=float(low), high=float(high))
        for mean, low, high in zip(means, lows, highs, strict=True)
    ]


def _ranked(
    measured: HoldoutPredictions, *, counts_K: NDArray[np.int64], categories: Sequence[str]
) -> tuple[CategoryPriority, ...]:
    """The categories by falling gain; `counts_K` are their labels.

    The unsettled share is taken to fall as one over the number of the category's labels. How frequent a category is
    has no weight: rare ones gain most (docs/LOG.md).
    """
    confidence_N, is_right_N = _confidences(measured)
    threshold = coverage_at(_RANKED_AT, confidence_N, is_right_N).threshold
    is_open = ~is_right_N | (confidence_N < (np.inf if threshold is None else threshold))
    open_K = np.bincount(measured.targets[is_open], minlength=len(categories))
    judged_K = np.bincount(measured.targets, minlength=len(categories))
    unsettled_K = (open_K + _PRIOR_IMAGES * is_open.mean()) / (judged_K + _PRIOR_IMAGES)
    gain_K = unsettled_K * NEXT_LABELS / (counts_K + NEXT_LABELS)
    return tuple(
        CategoryPriority(
            category=categories[index],
            labels=int(counts_K[index]),
            unsettled=float(unsettled_K[index]),
            gain=float(gain_K[index]),
        )
        for index in np.argsort(-gain_K, kind="stable")
    )
