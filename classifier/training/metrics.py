"""Metrics of predictions for images whose category is known. In numpy."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from classifier.paths import to_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MAX_ERRORS: Final = (0.01, 0.02, 0.05, 0.10)
"""Shares of wrong images among those filed, at which coverage is reported."""
_BINS: Final = 15
_MOST_MISTAKES: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryFigures:
    """One category: images that are in it, images that were guessed to be, and the two shares that were right.

    `precision` is None when nothing was guessed, `recall` when nothing is there: neither can be known then.
    """

    category: str
    count: int
    guessed: int
    precision: float | None
    recall: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """An image that was guessed wrong; `confidence` is the probability of the guess, 0..1."""

    path: Path
    category: str
    predicted: str
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """How many images of `category` were taken for another."""

    category: str
    taken_for: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """The largest share of images that could be filed with at most `max_error` of them wrong.

    Known in hindsight, so no promise. `threshold` is the least confidence among them, None when there are none.
    """

    max_error: float
    share: float
    threshold: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What held-out images say.

    `matrix[i][j]` counts images of category i taken for j; `confusions` are its entries beside the diagonal, the most
    frequent first. `log_loss` is the mean negative log of the true category's probability; `calibration_error` the mean
    gap between confidence and share of right guesses over 15 equal bins. Without any image all three are None.
    """

    count: int
    accuracy: float | None
    log_loss: float | None
    calibration_error: float | None
    per_category: tuple[CategoryFigures, ...]
    matrix: tuple[tuple[int, ...], ...]
    confusions: tuple[Confusion, ...]
    coverage: tuple[Coverage, ...]
    mistakes: tuple[Mistake, ...]


def evaluate(
    probabilities_NK: NDArray[np.float64],
    targets_N: NDArray[np.int64],
    *,
    categories: Sequence[str],
    paths: Sequence[Path],
) -> Evaluation:
    """Measure calibrated probabilities against category indices; `paths` names the images, in the same order.

    `mistakes` are the most confident ones, the most confident first, at most 50.
    """
    guesses = probabilities_NK.argmax(axis=1)
    confidences = probabilities_NK.max(axis=1, initial=0.0)
    is_right = guesses == targets_N
    matrix = np.zeros((len(categories), len(categories)), dtype=np.int64)
    np.add.at(matrix, (targets_N, guesses), 1)
    wrong = [int(row) for row in np.argsort(-confidences, kind="stable") if not is_right[row]]
    has_any = len(targets_N) > 0
    return Evaluation(
        count=len(targets_N),
        accuracy=float(is_right.mean()) if has_any else None,
        log_loss=log_loss(probabilities_NK, targets_N) if has_any else None,
        calibration_error=calibration_error(confidences, is_right) if has_any else None,
        per_category=tuple(_figures(name, matrix, index) for index, name in enumerate(categories)),
        matrix=tuple(tuple(int(count) for count in row) for row in matrix),
        confusions=_confusions(matrix, categories),
        coverage=tuple(coverage_at(max_error, confidences, is_right) for max_error in MAX_ERRORS),
        mistakes=tuple(
            Mistake(
                path=paths[row],
                category=categories[targets_N[row]],
                predicted=categories[guesses[row]],
                confidence=float(confidences[row]),
            )
            for row in wrong[:_MOST_MISTAKES]
        ),
    )


def log_losses(probabilities_NK: NDArray[np.float64], targets_N: NDArray[np.int64]) -> NDArray[np.float64]:
    """The negative log probability of each image's true category, (N,); finite also where that is 0."""
    truth = probabilities_NK[np.arange(len(targets_N)), targets_N]
    losses: NDArray[np.float64] = -np.log(np.maximum(truth, np.finfo(np.float64).tiny))
    return losses


def log_loss(probabilities_NK: NDArray[np.float64], targets_N: NDArray[np.int64]) -> float:
    """The mean negative log probability of the true categories; needs at least one image."""
    return float(log_losses(probabilities_NK, targets_N).mean())


def calibration_error(confidences_N: NDArray[np.float64], is_right_N: NDArray[np.bool_]) -> float:
    """Expected calibration error over 15 bins of equal width, 0..1; needs at least one image."""
    bins = np.minimum((confidences_N * _BINS).astype(np.int64), _BINS - 1)
    gaps = np.bincount(bins, weights=confidences_N - is_right_N, minlength=_BINS)
    return float(np.abs(gaps).sum() / len(confidences_N))


def coverage_at(max_error: float, confidences_N: NDArray[np.float64], is_right_N: NDArray[np.bool_]) -> Coverage:
    """The largest share that one threshold on confidence files with at most `max_error` wrong, in hindsight."""
    order = np.argsort(-confidences_N, kind="stable")
    ranked = confidences_N[order]
    wrong = np.cumsum(~is_right_N[order])
    filed = np.arange(1, len(ranked) + 1)
    # A threshold cannot part images of equal confidence: only the last of them can be where filing ends.
    is_end = np.append(ranked[1:] != ranked[:-1], True)[: len(ranked)]
    ends = np.flatnonzero(is_end & (wrong <= max_error * filed))
    if len(ends) == 0:
        return Coverage(max_error=max_error, share=0.0, threshold=None)
    last = ends[-1]
    return Coverage(max_error=max_error, share=float(filed[last] / len(ranked)), threshold=float(ranked[last]))


def as_dict(evaluation: Evaluation) -> dict[str, Any]:
    """The evaluation as values that JSON knows; paths as `to_text` writes them."""
    values = asdict(evaluation)
    for mistake in values["mistakes"]:
        mistake["path"] = to_text(mistake["path"])
    return values


def _figures(category: str, matrix: NDArray[np.int64], index: int) -> CategoryFigures:
    right = int(matrix[index, index])
    count, guessed = int(matrix[index].sum()), int(matrix[:, index].sum())
    return CategoryFigures(
        category=category,
        count=count,
        guessed=guessed,
        precision=right / guessed if guessed else None,
        recall=right / count if count else None,
    )


def _confusions(matrix: NDArray[np.int64], categories: Sequence[str]) -> tuple[Confusion, ...]:
    found = [
        Confusion(category=categories[row], taken_for=categories[column], count=int(matrix[row, column]))
        for row, column in np.argwhere(matrix)
        if row != column
    ]
    return tuple(sorted(found, key=lambda confusion: -confusion.count))
