"""Label issues: labels that are likely wrong, from predictions for held-out images.

A model of two parts: a label is what the image shows, except that a small share of labels is any other category
instead. That share is fitted together with the temperature, so that an image which is merely hard (the model wavers)
is explained by the one, and a sure contradiction by the other. Confident learning (Northcutt, Jiang and Chuang 2021)
names six times as many labels where categories are hard to tell apart: docs/LOG.md.
"""

# Shapes: N labeled images, K categories.

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, log_softmax

from classifier.model.calibration import PRIOR_SPREAD, probabilities
from classifier.paths import to_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from classifier.records import ImageId

LISTED: Final = 2
"""How many times the estimated number of wrong labels are listed: looking is cheap, and the likeliest come first."""
_PRIOR: Final = (-3.5, 1.0)
"""Mean and standard deviation of the log-odds of a wrong label before any was seen: 3%, within 1% and 8%."""
_STARTS: Final = (-4.0, -2.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelIssue:
    """A label that may be wrong: `category` is what it says of the image at `path`, `likely` what it rather shows.

    `wrong` is the probability that the label is wrong and `confidence` that the image shows `likely`, 0..1.
    """

    image_id: ImageId
    path: Path
    category: str
    likely: str
    wrong: float
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelIssues:
    """`likely_wrong` of `count` labels are estimated to be wrong; `labels` lists more than those, the likeliest first.

    Images that are hard rather than mislabeled are among them: it is a list to look through, not to act on.
    """

    count: int
    likely_wrong: int
    labels: tuple[LabelIssue, ...]


def find_label_issues(
    logits_NK: NDArray[np.float32],
    targets_N: NDArray[np.int64],
    *,
    categories: Sequence[str],
    paths: Sequence[Path],
    image_ids: Sequence[ImageId],
) -> LabelIssues:
    """The doubtful labels, by logits (before any temperature) of images that the model was not fitted to.

    `targets_N` are category indices as labeled; `paths` and `image_ids` name the images, in the same order.
    """
    if not len(targets_N):
        return LabelIssues(count=0, likely_wrong=0, labels=())
    shares_NK, wrong_N = _explained(logits_NK, targets_N)
    rows = np.arange(len(targets_N))
    others_NK = shares_NK.copy()
    others_NK[rows, targets_N] = 0.0
    likely_N = others_NK.argmax(axis=1)
    other_N = others_NK.sum(axis=1)
    confidence_N = wrong_N * np.divide(
        others_NK[rows, likely_N], other_N, out=np.zeros_like(other_N), where=other_N > 0
    )
    estimated = round(float(wrong_N.sum()))
    # Where the label itself is the best guess, no other category can be named with a reason.
    is_contradicted = shares_NK[rows, targets_N] < shares_NK[rows, likely_N]
    ranked = [int(row) for row in np.argsort(-wrong_N, kind="stable")[: LISTED * estimated] if is_contradicted[row]]
    return LabelIssues(
        count=len(targets_N),
        likely_wrong=estimated,
        labels=tuple(
            LabelIssue(
                image_id=image_ids[row],
                path=paths[row],
                category=categories[targets_N[row]],
                likely=categories[likely_N[row]],
                wrong=float(wrong_N[row]),
                confidence=float(confidence_N[row]),
            )
            for row in ranked
        ),
    )


def as_dict(found: LabelIssues) -> dict[str, Any]:
    """The doubts as values that JSON knows; paths as `to_text` writes them."""
    return asdict(found) | {"labels": [_label_as_dict(label) for label in found.labels]}


def _label_as_dict(label: LabelIssue) -> dict[str, Any]:
    values = asdict(label)
    return {"picture": values.pop("image_id"), **values, "path": to_text(label.path)}


def _explained(
    logits_NK: NDArray[np.float32], targets_N: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What each image shows by the model alone, (N, K), and how probably its label is wrong, (N,)."""
    logits, rows = logits_NK.astype(np.float64), np.arange(len(targets_N))
    rivals = max(1, logits.shape[1] - 1)

    def parts(log_temperature: float, odds: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """How probable each label is by being right, and by being wrong."""
        probs = np.exp(log_softmax(logits / np.exp(log_temperature), axis=-1)[rows, targets_N])
        share = float(expit(odds))
        return probs * (1 - share), (1 - probs) * share / rivals

    def loss(values: NDArray[np.float64]) -> float:
        log_temperature, odds = values
        right, wrong = parts(log_temperature, odds)
        prior = 0.5 * (log_temperature / PRIOR_SPREAD) ** 2 + 0.5 * ((odds - _PRIOR[0]) / _PRIOR[1]) ** 2
        return float(prior - np.log(np.maximum(right + wrong, np.finfo(np.float64).tiny)).sum())

    fits = [minimize(loss, np.array([0.0, start]), method="Nelder-Mead") for start in _STARTS]
    log_temperature, odds = min(fits, key=lambda fit: float(fit.fun)).x
    right, wrong = parts(log_temperature, odds)
    total = np.maximum(right + wrong, np.finfo(np.float64).tiny)
    return probabilities(logits_NK, float(np.exp(log_temperature))), wrong / total
