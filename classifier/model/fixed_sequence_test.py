"""Fixed-sequence testing: how far down a ranking an error rate can be guaranteed.

Learn then Test (Angelopoulos et al. 2021): the numbers of images to test are ordered without using the outcomes, and
each is tested at the full level 1 - confidence until the first failure. The guaranteed rate then fails to hold in at
most 1 - confidence of all cases, whatever the quality of the scores. The sequence starts where the scores predict the
best chance to pass, not at the fewest images, where one early mistake would end it (comparisons in docs/LOG.md).

Each test counts every drawn image, near-duplicates too: of a simple random sample the exact test is exact whether or
not images are alike, and then all filed images are spoken of, copies included. To count near-duplicates once would
speak of neither (measured in docs/BENCHMARKS.md). So that a few posts with many pages cannot pass for many images
where the draw was no such sample after all, each test must pass with every group counted once as well: that only
makes it stricter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy  # which loads its parts when they are first used: scipy.stats takes a second

from classifier.model.binomial_bounds import min_sample_size

if TYPE_CHECKING:
    from numpy.typing import NDArray

STEP = 1.03
"""Each test takes so many times the images of the last one."""

_AS_GOOD = 0.999


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedSequenceResult:
    """The guarantee covers images with a score above `above`: `filed` images, `wrong` of them wrong."""

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
    """The lowest score above which at most `max_error` are wrong, with `confidence`; None if none can be guaranteed.

    `scores_N` are log-odds of being right by the model's own account, in any order; near-duplicates share a number in
    `groups_N`. So many `unjudged` images, of which nothing is known, count as the most confident of all, and wrong.
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
    expected = np.cumsum(np.append(np.ones(unjudged), scipy.special.expit(-scores[unjudged:])))
    chances = scipy.stats.poisson.cdf(most, expected[counts - 1])
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
    """The largest number of wrong images that passes the test of `max_error`, (M,); -1 where even 0 fails."""
    most = scipy.stats.binom.ppf(1 - confidence, counts_M, max_error)
    return np.asarray(most - (scipy.stats.binom.cdf(most, counts_M, max_error) > 1 - confidence), dtype=np.int64)


def _distinct(groups_N: NDArray[np.int64], *, among: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
    """The number of distinct groups among the first n images, (N,); restricted to the images `among` when given."""
    rows = np.arange(len(groups_N)) if among is None else np.flatnonzero(among)
    is_first = np.zeros(len(groups_N), dtype=np.int64)
    is_first[rows[np.unique(groups_N[rows], return_index=True)[1]]] = 1
    return np.cumsum(is_first)


def _counts(scores_N: NDArray[np.float64], max_error: float, confidence: float) -> NDArray[np.int64]:
    """The numbers of images to test, rising; each can be parted from the rest by a score.

    Given the first score that is left out, the images above it are an independent draw of all such images: that is
    why the threshold is that score, and no number of the last image taken.
    """
    counts: list[int] = []
    count = min_sample_size(max_error, confidence=confidence)
    while count < len(scores_N):
        counts.append(count)
        count = max(count + 1, round(count * STEP))
    left_out = scores_N[np.array(counts, dtype=np.int64)]
    found = np.unique(np.append(np.searchsorted(-scores_N, -left_out, side="left"), len(scores_N)))
    return found[max_wrong(found, max_error, confidence) >= 0]
