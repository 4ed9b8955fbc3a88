"""Exact one-sided upper bounds on an error rate from a random sample, and the sample size that a bound takes."""

from __future__ import annotations

from typing import Final

import scipy  # which loads scipy.stats when it is first used, for that takes a second

_FIRST_LOOK: Final = 0.8


def upper_bound(wrong: int, of: int, confidence: float) -> float:
    """The Clopper-Pearson (1934) upper bound on the error rate, 0..1, from `wrong` among `of` drawn images.

    Whatever the true rate is, the bound lies below it in at most 1 - `confidence` of all draws. 1 when nothing was
    drawn.
    """
    return float(scipy.stats.beta.ppf(confidence, wrong + 1, of - wrong)) if wrong < of else 1.0


def finite_upper_bound(wrong: int, drawn: int, population: int, confidence: float) -> float:
    """The bound for a draw without replacement from `population` images (hypergeometric): tighter for a large part.

    The drawn images belong to the population, so a draw of all of them gives the exact rate.
    """
    least, most = wrong, population - (drawn - wrong)
    while least < most:  # the most wrong ones that still give so few in a draw, often enough
        middle = (least + most + 1) // 2
        if float(scipy.stats.hypergeom.cdf(wrong, population, middle, drawn)) > 1 - confidence:
            least = middle
        else:
            most = middle - 1
    return least / population if population else 0.0


def look_confidence(look: int, confidence: float) -> float:
    """The confidence at which the `look`-th of any number of looks is judged, so that all together keep `confidence`.

    Of the 1 - `confidence` that may fail, the first look spends four fifths, and the k-th of the others 1 / (k (k - 1))
    of the last fifth; these sum to one (Bonferroni; spending as in Lan and DeMets 1983). So it may be decided by what
    was seen whether to look again, and a single look costs little more than without: 160 images for 2%, not 149.
    """
    may_fail = 1 - confidence
    share = _FIRST_LOOK if look == 1 else (1 - _FIRST_LOOK) / (look * (look - 1))
    return 1 - share * may_fail


def p_value(wrong: int, of: int, max_error: float) -> float:
    """The probability of at most `wrong` wrong among `of` when the error rate is `max_error` (0..1)."""
    return float(scipy.stats.binom.cdf(wrong, of, max_error))


def min_sample_size(max_error: float, *, wrong: int = 0, confidence: float = 0.95) -> int:
    """The smallest sample that, with `wrong` wrong, guarantees at most `max_error` (0..1, exclusive)."""
    too_few, enough = wrong, wrong + 1
    while p_value(wrong, enough, max_error) > 1 - confidence:
        too_few, enough = enough, 2 * enough
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        if p_value(wrong, middle, max_error) > 1 - confidence:
            too_few = middle
        else:
            enough = middle
    return enough
