"""How far down a ranking an error rate can be promised: exact tests one after another, from a start chosen unseen.

Fixed-sequence testing (Learn then Test, Angelopoulos et al. 2021): the numbers of pictures to test are put in order
without looking at what is right or wrong, and each is tested at the full 1 - confidence until the first that fails.
Then a rate is promised that does not hold in at most 1 - confidence of all cases, whatever the scores are worth. The
order begins where the scores themselves say that a test has the best chance, not with the fewest pictures: there one
early mistake would end it all (compared with others in docs/LOG.md).

Each test counts every drawn picture, near-duplicates too: of a simple random sample the exact test is exact whether or
not pictures are alike, and then all filed pictures are spoken of, copies included. To count near-duplicates once would
speak of neither (measured in docs/BENCHMARKS.md). So that a few posts with many pages cannot pass for many pictures
where the draw was no such sample after all, each test must pass with every group counted once as well: that only
makes it stricter. Plain numpy; knows no categories.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit
from scipy.stats import binom, poisson

from classifier.model.binomial_bounds import min_sample_size

if TYPE_CHECKING:
    from numpy.typing import NDArray

STEP = 1.03
"""Each test takes so many times the pictures of the last one."""

_AS_GOOD = 0.999


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedSequenceResult:
    """Where the promise ends: pictures with a score above `above`; the `filed` ranked there had `wrong` among them."""

    above: float
    filed: int
    wrong: int


def fixed_sequence_test(
    scores_N: NDArray[np.float64],
    is_wrong_N: NDArray[np.bool_],
    groups_N: NDArray[np.int64],
    *,
    max_error: float,
    confidence: float,
    unjudged: int = 0,
) -> FixedSequenceResult | None:
    """The lowest score above which at most `max_error` are wrong, with `confidence`; None when none can be promised.

    `scores_N` are log-odds of being right by the model's own account, in any order; near-duplicates share a number in
    `groups_N`. So many `unjudged` pictures, of which nothing is known, count as the surest of all, and wrong.
    """
    order = np.argsort(-scores_N, kind="stable")
    scores = np.append(np.full(unjudged, np.inf), scores_N[order])
    is_wrong = np.append(np.ones(unjudged, dtype=np.bool_), is_wrong_N[order])
    groups = np.append(-1 - np.arange(unjudged), groups_N[order])
    wrong, different, wrong_different = np.cumsum(is_wrong), _distinct(groups), _distinct(groups, among=is_wrong)
    counts = _counts(scores, max_error, confidence)
    counts = counts[max_wrong(different[counts - 1], max_error, confidence) >= 0]
    if not len(counts):
        return None
    most = max_wrong(counts, max_error, confidence)
    expected = np.cumsum(np.append(np.ones(unjudged), expit(-scores[unjudged:])))
    chances = poisson.cdf(most, expected[counts - 1])
    best = np.flatnonzero(chances >= chances.max() * _AS_GOOD)
    start = int(best[len(best) // 2])  # of sure ones the middle: the scores may be surer than they should
    most_different = max_wrong(different[counts - 1], max_error, confidence)
    both = (wrong[counts - 1] <= most) & (wrong_different[counts - 1] <= most_different)
    passed = both[start:]
    length = len(passed) if passed.all() else int(np.argmin(passed))
    if length == 0:
        return None
    filed = int(counts[start + length - 1])
    above = float(scores[filed]) if filed < len(scores) else -np.inf
    return FixedSequenceResult(above=above, filed=filed, wrong=int(wrong[filed - 1]))


def max_wrong(counts_M: NDArray[np.int64], max_error: float, confidence: float) -> NDArray[np.int64]:
    """How many may be wrong among so many pictures for `max_error` to be promised, (M,); -1: not even none."""
    most = binom.ppf(1 - confidence, counts_M, max_error)
    return np.asarray(most - (binom.cdf(most, counts_M, max_error) > 1 - confidence), dtype=np.int64)


def _distinct(groups_N: NDArray[np.int64], *, among: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
    """How many different groups the first so many pictures come from, (N,); of those `among` which it is so alone."""
    rows = np.arange(len(groups_N)) if among is None else np.flatnonzero(among)
    is_first = np.zeros(len(groups_N), dtype=np.int64)
    is_first[rows[np.unique(groups_N[rows], return_index=True)[1]]] = 1
    return np.cumsum(is_first)


def _counts(scores_N: NDArray[np.float64], max_error: float, confidence: float) -> NDArray[np.int64]:
    """The numbers of pictures to test, rising; each can be parted from the rest by a score.

    Given the first score that is left out, the pictures above it are an independent draw of all such pictures: that is
    why the threshold is that score, and no number of the last picture taken.
    """
    counts: list[int] = []
    count = min_sample_size(max_error, confidence=confidence)
    while count < len(scores_N):
        counts.append(count)
        count = max(count + 1, round(count * STEP))
    left_out = scores_N[np.array(counts, dtype=np.int64)]
    found = np.unique(np.append(np.searchsorted(-scores_N, -left_out, side="left"), len(scores_N)))
    return found[max_wrong(found, max_error, confidence) >= 0]
