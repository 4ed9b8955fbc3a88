"""Which epoch to keep: the last, unless an earlier one is surely better on the held-out pictures. Knows no network.

With a few dozen held-out pictures the epoch of least loss is mostly luck, and often one of the first (measured:
docs/LOG.md). So the last epoch is believed in until the difference is more than its own chance error.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

_STANDARD_ERRORS: Final = 2.0


class Best:
    """The epoch of least mean loss so far, with its weights."""

    def __init__(self) -> None:
        self.epoch = -1
        self.losses: NDArray[np.float64] = np.empty(0)
        self.weights: dict[str, Tensor] = {}

    def consider(self, epoch: int, losses: NDArray[np.float64], weights: Mapping[str, Tensor]) -> None:
        """Keep a copy of `weights` when the mean of `losses` (held-out pictures, same order each time) is the least."""
        if self.epoch < 0 or mean(losses) < mean(self.losses):
            self.epoch, self.losses = epoch, losses
            self.weights = {name: value.detach().cpu().clone() for name, value in weights.items()}


def is_surely_better(losses: NDArray[np.float64], last_losses: NDArray[np.float64]) -> bool:
    """Whether the mean loss is lower by more than two standard errors of the paired difference.

    What is not finite is never better, and anything finite is better than it. Without pictures: no.
    """
    if len(losses) == 0:
        return False
    if not np.isfinite(last_losses).all() or not np.isfinite(losses).all():
        return bool(np.isfinite(losses).all())
    gain = last_losses - losses
    return bool(gain.mean() > _STANDARD_ERRORS * gain.std() / np.sqrt(len(gain)))


def mean(losses: NDArray[np.float64]) -> float:
    """The mean loss; infinite when there is none or it is not finite."""
    value = losses.mean() if len(losses) else np.inf
    return float(value) if np.isfinite(value) else float("inf")
