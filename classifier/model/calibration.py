"""From logits to probabilities that mean what they say: one temperature (Guo et al. 2017).

Plain numpy; knows no network and no files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

if TYPE_CHECKING:
    from numpy.typing import NDArray

PRIOR_SPREAD = 0.25
"""Standard deviation of log temperature before any picture was seen."""


def probabilities(logits_NK: NDArray[np.float32], temperature: float) -> NDArray[np.float64]:
    """Calibrated probabilities, (N, K); rows sum to 1."""
    return np.asarray(softmax(logits_NK.astype(np.float64) / temperature, axis=-1))


def fit_temperature(logits_NK: NDArray[np.float32], targets_N: NDArray[np.int64]) -> float:
    """The temperature that makes held-out pictures likeliest, with a Gaussian prior on its logarithm around 1.

    Without the prior, a small validation part that happens to be all right would drive it to 0, that is to
    certainty. `targets_N` are category indices. No picture at all gives 1.
    """
    logits = logits_NK.astype(np.float64)
    rows = np.arange(len(targets_N))

    def loss(log_temperature: float) -> float:
        log_likelihood = log_softmax(logits / np.exp(log_temperature), axis=-1)[rows, targets_N].sum()
        return float(-log_likelihood + 0.5 * (log_temperature / PRIOR_SPREAD) ** 2)

    return float(np.exp(minimize_scalar(loss, bounds=(-3.0, 3.0), method="bounded").x)) if len(rows) else 1.0
