"""Why an error rate cannot be guaranteed, in one line: what is there, what it takes, and what can be guaranteed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import scipy  # which loads its parts when they are first used: scipy.stats takes a second

from classifier.errors import Message
from classifier.model.binomial_bounds import min_sample_size
from classifier.model.fixed_sequence_test import max_wrong

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from classifier.model.drawn_rows import DrawnRows

_LIKELY: Final = 0.8
_MOST_TIMES: Final = 20
_NAMED: Final = 3


def refusal(
    rows: DrawnRows, categories: Sequence[str], *, max_error: float, confidence: float, least_rate: float | None
) -> Message:
    """That `max_error` cannot be guaranteed; `least_rate` is the least that can be, None if none can."""
    least = min_sample_size(max_error, confidence=confidence)
    judged = len(rows) + rows.unjudged
    why = Message(
        "no guarantee of {rate}: {judged:,} pictures drawn by chance were judged, it takes at least {least:,} with "
        "none wrong, {more}",
        rate=percent(max_error),
        judged=judged,
        least=least,
        more=_more(judged, least, _wanted(rows, max_error, confidence)),
    )
    if guesses := _wrong_guesses(rows, categories):
        why = Message(
            "{why}; of the surest half most wrong are those taken for {guesses}: label more that look like them",
            why=why,
            guesses=guesses,
        )
    if least_rate is None:
        return why
    return Message(
        "{why}; {best} is the least that can be guaranteed: --best takes it", why=why, best=percent(least_rate)
    )


def percent(share: float) -> str:
    """A share as percent, without trailing zeros."""
    return f"{share * 100:g}%"


def _more(judged: int, least: int, wanted: int | None) -> Message:
    if wanted:
        return Message(
            "with guesses like these about {count:,}, so {left:,} more", count=wanted, left=max(1, wanted - judged)
        )
    if judged < least:
        return Message("and so few cannot tell")
    return Message("but of guesses like these no number would do")


def _wrong_guesses(rows: DrawnRows, categories: Sequence[str]) -> str:
    """The categories that the wrong ones among the surest half were taken for, the most wrong first."""
    surest = np.argsort(-rows.odds, kind="stable")[: -(-len(rows) // 2)]
    of_all = np.bincount(rows.guesses[surest], minlength=len(categories))
    wrong = np.bincount(rows.guesses[surest][rows.is_wrong[surest]], minlength=len(categories))
    most = [number for number in np.argsort(-wrong, kind="stable")[:_NAMED] if wrong[number]]
    return ", ".join(f"{categories[number]} ({wrong[number]}/{of_all[number]})" for number in most)


def _wanted(rows: DrawnRows, max_error: float, confidence: float) -> int | None:
    """About how many images like these it would take, to two digits; None when twenty times as many would not do.

    Assumes the observed error rate of the most confident, half an image added, and a probability of 0.8 to pass.
    """
    if not len(rows):
        return None
    ranked = rows.is_wrong[np.argsort(-rows.odds, kind="stable")]
    wrong = np.cumsum(np.append(np.ones(rows.unjudged, dtype=np.bool_), ranked))
    taken = np.arange(1, len(wrong) + 1)
    rates = (wrong + 0.5) / (taken + 1)
    count = float(len(wrong))
    while count < _MOST_TIMES * len(wrong):
        count *= 1.1
        counts = np.maximum(1, (taken / len(wrong) * count)).astype(np.int64)
        if _has_chance(counts, rates, max_error, confidence):
            return _two_digits(count)
    return None


def _has_chance(counts: NDArray[np.int64], rates: NDArray[np.float64], max_error: float, confidence: float) -> bool:
    most = max_wrong(counts, max_error, confidence)
    return bool((scipy.stats.binom.cdf(most, counts, np.minimum(rates, 1.0)) >= _LIKELY).any())


def _two_digits(count: float) -> int:
    scale = 10 ** max(0, len(str(int(count))) - 2)
    return int(-(-count // scale) * scale)
