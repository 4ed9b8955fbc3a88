"""A linear head by logistic regression on frozen features: the start of fine-tuning, and its end. Knows no pictures."""

# Shapes: N pictures, D embedding width, K categories.

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from classifier.model.head import LinearHead

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

STRENGTH: Final = 0.3
"""Inverse of the regularisation (scikit-learn's C); 0.1 to 1 did equally well: docs/LOG.md."""
_MOST_ITERATIONS: Final = 1000


class Head(LinearHead):
    """A linear head that can become a network's last layer."""

    __slots__ = ()

    def put_into(self, layer: nn.Linear) -> None:
        """Make `layer` answer as this head does."""
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(self.weight))
            layer.bias.copy_(torch.from_numpy(self.bias))


def fit_head(embeddings_ND: NDArray[np.float32], targets_N: NDArray[np.int64]) -> Head:
    """Fit to category indices 0..K-1, K at least 2 and each of them there; takes embeddings as they are.

    Features are standardised for the fit, which is folded back into weight and bias.
    """
    embeddings = embeddings_ND.astype(np.float64)
    mean = embeddings.mean(axis=0)
    variance = embeddings.var(axis=0)
    # With few pictures the deviation of a rarely active feature is mostly chance; the median keeps it from being
    # blown up (measured: half a point better than plain standardisation).
    scale = np.sqrt(variance + np.median(variance))
    scale[scale == 0] = 1
    regression = LogisticRegression(C=STRENGTH, max_iter=_MOST_ITERATIONS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a head short of its optimum by a hair is a good head
        regression.fit((embeddings - mean) / scale, targets_N)
    weight = regression.coef_ / scale
    bias = regression.intercept_ - weight @ mean
    if len(regression.classes_) == 2:  # noqa: PLR2004 - of two categories scikit-learn keeps one row, their difference
        weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    return Head(weight=weight.astype(np.float32), bias=bias.astype(np.float32))
