"""What a sample says of the rest, exactly: how large a share may be wrong, and how many pictures it takes to say so.

Pure; knows counts and nothing of what was counted. Each bound is one-sided and from above.
"""

from __future__ import annotations

from typing import Final

from scipy.stats import beta, binom, hypergeom

_FIRST_LOOK: Final = 0.8


def upper_bound(wrong: int, of: int, confidence: float) -> float:
    """The largest share wrong, 0..1, that `wrong` among `of` drawn pictures leave possible (Clopper and Pearson 1934).

    Whatever the true share is, the bound lies below it in at most 1 - `confidence` of all draws. Nothing drawn says
    nothing: 1.
    """
    return float(beta.ppf(confidence, wrong + 1, of - wrong)) if wrong < of else 1.0


def finite_upper_bound(wrong: int, drawn: int, population: int, confidence: float) -> float:
    """The same for a draw without replacement from exactly `population` pictures: tighter where that is a large part.

    The drawn ones count as pictures of the population, so that a draw of all of them leaves nothing open.
    """
    least, most = wrong, population - (drawn - wrong)
    while least < most:  # the most wrong ones that still give so few in a draw, often enough
        middle = (least + most + 1) // 2
        if float(hypergeom.cdf(wrong, population, middle, drawn)) > 1 - confidence:
            least = middle
        else:
            most = middle - 1
    return least / population if population else 0.0


def look_confidence(look: int, confidence: float) -> float:
    """The confidence at which the `look`-th of any number of looks is judged, so that all together keep `confidence`.

    Of the 1 - `confidence` that may fail, the first look spends four fifths, and the k-th of the others 1 / (k (k - 1))
    of the last fifth; these sum to one (Bonferroni; spending as in Lan and DeMets 1983). So it may be decided by what
    was seen whether to look again, and a single look costs little more than without: 160 pictures for 2%, not 149.
    """
    may_fail = 1 - confidence
    share = _FIRST_LOOK if look == 1 else (1 - _FIRST_LOOK) / (look * (look - 1))
    return 1 - share * may_fail


def p_value(wrong: int, of: int, max_error: float) -> float:
    """How often so few are wrong among `of` when the share wrong is just `max_error`: small speaks for less."""
    return float(binom.cdf(wrong, of, max_error))


def min_sample_size(max_error: float, *, wrong: int = 0, confidence: float = 0.95) -> int:
    """How many pictures it takes, `wrong` of them wrong, to promise at most `max_error` (0..1, neither end)."""
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
