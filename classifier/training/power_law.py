"""A power law with a floor: how an error share falls with the number of labels, with its uncertainty.

Four noisy points do not determine three parameters, so the posterior over a grid of curves is used: its mean and an
interval, which is wide where the points constrain it little.
"""

# Shapes: P points, M measures, C curves of the grid.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

FLOORS: Final = np.linspace(0.0, 0.9, 10)
"""Parts of the last point's share that no number of labels takes away."""
POWERS: Final = np.linspace(0.0, 1.0, 21)
"""How steeply the rest falls; learning curves of classifiers lie between 0 and 1."""
ODDS_POWERS: Final = np.linspace(0.0, 2.0, 21)
"""The same where it is odds that fall."""
SURE: Final = 0.8
"""The probability of the range that is told."""
_DRAWS: Final = 4000
_ALL: Final = slice(None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A share, 0..1: `mean` is expected, and it lies between `low` and `high` with the probability `SURE`."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PowerLaw:
    """share(n) = last * (floor + (1 - floor) * (n / labels) ** -power), for each curve of the grid with its weight.

    `last` is the share measured with `labels` labels, `error` the standard error of its log-odds. `by_odds` has the
    odds fall so instead of the share, to no floor: what is left over stays near 1 for long and then falls fast.
    """

    labels: float
    last: float
    error: float
    weights: NDArray[np.float64]
    by_odds: bool

    def remaining(self, times: float) -> float:
        """The part of the share that is expected to be left with `times` as many labels, 0..1 for `times` above 1."""
        return float((self.weights * _fallen(np.asarray(self.last), times, by_odds=self.by_odds)).sum() / self.last)

    def at(self, labels: float, *, seed: int = 0) -> Expected:
        """The share with so many labels; the same every time."""
        draws, times = np.random.default_rng(seed), labels / self.labels
        chosen = draws.choice(len(self.weights), size=_DRAWS, p=self.weights)
        levels = _chance(log_odds(self.last) + self.error * draws.standard_normal(_DRAWS))
        shares = _fallen(levels, times, by_odds=self.by_odds, curves=chosen)
        low, high = np.quantile(shares, [(1 - SURE) / 2, (1 + SURE) / 2])
        return Expected(mean=self.last * self.remaining(times), low=float(low), high=float(high))


def fit_power_law(
    labels_P: NDArray[np.float64],
    shares_P: NDArray[np.float64],
    errors_P: NDArray[np.float64],
    *,
    error: float,
    by_odds: bool,
) -> PowerLaw:
    """Weigh the curves through the last point by how well they meet those before it.

    `shares_P` lie within 0..1, exclusive, by growing `labels_P`; `errors_P` are standard errors of what each differs
    by from the last, `error` that of the last one's log-odds.
    """
    last = np.asarray(shares_P[-1])
    curves_PC = np.stack([_fallen(last, count / labels_P[-1], by_odds=by_odds) for count in labels_P[:-1]])
    misses = (curves_PC - shares_P[:-1, None]) / errors_P[:-1, None]
    likelihood = -0.5 * (misses**2).sum(axis=0)
    weights = np.exp(likelihood - likelihood.max())
    return PowerLaw(
        labels=float(labels_P[-1]),
        last=float(last),
        error=error,
        weights=weights / weights.sum(),
        by_odds=by_odds,
    )


def shifted(shares_PM: NDArray[np.float64], last_M: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same curves, their log-odds moved so that the last points are `last_M`; all within 0..1, exclusive."""
    known = log_odds(shares_PM)
    return _chance(known + log_odds(last_M) - known[-1])


def log_odds(shares: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Log-odds of shares within 0..1, exclusive; any shape."""
    return np.log(np.asarray(shares, dtype=np.float64) / (1 - np.asarray(shares, dtype=np.float64)))


def _fallen(
    share: NDArray[np.float64], times: float, *, by_odds: bool, curves: NDArray[np.int64] | slice = _ALL
) -> NDArray[np.float64]:
    """What a share has come to at `times` as many labels, for each of these curves of the grid."""
    if by_odds:
        return _chance(log_odds(share) - np.log(times) * ODDS_POWERS[curves])
    floors, powers = (grid.ravel()[curves] for grid in np.meshgrid(FLOORS, POWERS, indexing="ij"))
    return np.minimum(share * (floors + (1 - floors) * times**-powers), 1.0)


def _chance(known: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-known)), dtype=np.float64)
