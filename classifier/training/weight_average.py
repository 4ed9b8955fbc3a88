"""The mean of the weights of networks that were fine-tuned from the same start.

Such networks lie near each other, so that their mean is a network, and one that answers better than each of them
(Wortsman et al. 2022, Model soups).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


class WeightAverage:
    """Adds weights up as they come, so that one copy of them is kept and not one of each network."""

    def __init__(self) -> None:
        self._sum: dict[str, Tensor] = {}
        self._count = 0

    def add(self, weights: Mapping[str, Tensor]) -> None:
        """Count one more network's `weights`, of the same names and shapes as the others'."""
        for name, value in weights.items():
            if name not in self._sum:
                self._sum[name] = value.clone()
            elif value.is_floating_point():
                self._sum[name] += value
        self._count += 1

    def mean(self) -> dict[str, Tensor]:
        """What is no number to be averaged, as counts of batches, is the first network's; raises if there is none."""
        if not self._count:
            raise ValueError("no network was added")
        return {name: value / self._count if value.is_floating_point() else value for name, value in self._sum.items()}
