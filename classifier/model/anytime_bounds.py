"""Upper bounds on an error rate that hold however often one looks and whenever one stops.

Images are drawn one after another, without replacement, from N of which M are wrong. After n draws with k wrong, the
hypothesis M = m is bet against with a guess f m, f < 1: the capital is multiplied at a wrong image by what the guess
says of the odds against what m says of them, (f m - i) / (m - i) at the i-th, i from 0; at a right one by
(N - f m - i) / (N - m - i). If M = m (or greater), the next image is wrong with probability (M - k) / (N - n), so the
expected factor is 1 (or less): the capital is a supermartingale, and by Ville (1939) it ever reaches 1 / a with
probability a at most. A mean of the capitals of several guesses is one too. A guess that has seen more wrong images
than it allows is given up. Each factor rises with m, so all m above the largest that is not refuted are refuted, and
the bounds for all numbers of draws, and all rates, hold together.

The mean that moves with what was drawn is that of Waudby-Smith and Ramdas ("Confidence sequences for sampling without
replacement", 2020) and of ALPHA (Stark 2023), the bet against it that of Wald's sequential test.
"""

from __future__ import annotations

import math
from typing import Final

_GUESSES: Final = ((0.05, 0.3), (0.25, 0.4), (0.5, 0.3))
"""Guesses as shares of the tested number, with the share of the capital that each bets; compared in docs/LOG.md."""


def log_evidence(wrong: float, drawn: int, population: int, tested: int) -> float:
    """The logarithm of the capital from bets against `tested` or more wrong ones among `population`.

    Infinite where fewer are wrong for certain, minus infinity where nothing is left to bet. `wrong` may lie between two
    numbers, for a forecast.
    """
    right = drawn - wrong
    if right > population - tested:
        return math.inf
    most = [
        math.log(share) + _log_capital(wrong, right, population, guess=guess * tested, tested=tested)
        for guess, share in _GUESSES
        if guess * tested >= wrong
    ]
    highest = max(most, default=-math.inf)
    return highest + math.log(sum(math.exp(one - highest) for one in most)) if most else highest


def anytime_upper_bound(wrong: int, drawn: int, population: int, confidence: float) -> float:
    """The upper bound on the error rate, 0..1, from `wrong` among the first `drawn` images of a random order.

    Whatever the true rate is, the bound is ever below it, after any number of draws, in at most 1 - `confidence` of
    all orders.
    """
    least, most, needed = wrong, population - (drawn - wrong), -math.log(1 - confidence)
    while least < most:  # the largest number that is not refuted
        middle = (least + most + 1) // 2
        if log_evidence(wrong, drawn, population, middle) < needed:
            least = middle
        else:
            most = middle - 1
    return least / population if population else 0.0


def draws_at_rate(
    rate: float, population: int, max_error: float, confidence: float, *, least: int = 1, most: int | None = None
) -> int | None:
    """The fewest draws, `least` to `most`, that show at most `max_error` if the share `rate` of them is wrong.

    None where `most` (default: all) do not.
    """
    tested, needed = _fewest_above(max_error, population), -math.log(1 - confidence)

    def do_show(drawn: int) -> bool:
        return log_evidence(rate * drawn, drawn, population, tested) >= needed

    too_few, enough = least - 1, population if most is None else most
    if not do_show(enough):
        return None
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        if do_show(middle):
            enough = middle
        else:
            too_few = middle
    return enough


def _fewest_above(max_error: float, population: int) -> int:
    """The fewest wrong ones that are a greater share than `max_error`, as floating point divides."""
    about = int(max_error * population)
    return next(count for count in range(max(0, about - 1), population + 2) if count / population > max_error)


def _log_capital(wrong: float, right: float, population: int, *, guess: float, tested: int) -> float:
    at_wrong = _log_falling(guess, wrong) - _log_falling(tested, wrong)
    return at_wrong + _log_falling(population - guess, right) - _log_falling(population - tested, right)


def _log_falling(start: float, factors: float) -> float:
    """The logarithm of start (start - 1) ... (start - factors + 1)."""
    return math.lgamma(start + 1) - math.lgamma(start - factors + 1)
