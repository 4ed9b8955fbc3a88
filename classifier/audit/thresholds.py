"""The threshold that would keep an error rate, from the answers of an audit. Pure.

Fixed-sequence testing (Angelopoulos et al. 2021, "Learn then Test"): thresholds fixed at the draw are tested from
strict to loose, each at the full level, up to the first that is not shown to keep the rate. The hypothesis "of the
images that this threshold keeps, more than the rate are wrong" is tested by the number of sampled images that are kept
and wrong, with the bound on the share of such images in the library. So the test is exact although the number of kept
images in the sample is random.

In an audit until a rate is shown, the images that a threshold keeps are a random order of their own, so that the bound
for any stop holds of them. The sequence begins at the threshold that keeps half of all: when one stops is not known.
Its tests come beside that of the rate, after any answer, so they are judged as a further audit would be.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifier.audit.estimate import CONFIDENCE
from classifier.model.anytime_bounds import anytime_upper_bound
from classifier.model.binomial_bounds import finite_upper_bound, look_confidence, min_sample_size, upper_bound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classifier.audit.estimate import AuditState
    from classifier.catalog.audits import Audit


COUNT = 160
"""Enough to show at most 2% wrong in the first audit of a sort, if none is wrong."""
_STEPS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdOffer:
    """A threshold that keeps the rate; `kept` of `filed` images stay filed."""

    threshold: float
    kept: int
    filed: int


def threshold_steps(confidences: Sequence[float]) -> tuple[tuple[float, int], ...]:
    """Thresholds from strict to loose, each with the number it keeps: a twentieth of the images more at each step."""
    rising = sorted(confidences)
    count = len(rising)
    least = {rising[count + (-count * step // _STEPS)] for step in range(1, _STEPS + 1)} if rising else set()
    return tuple((threshold, count - bisect_left(rising, threshold)) for threshold in sorted(least, reverse=True))


def keeps_target(state: AuditState, max_error: float) -> bool:
    """Whether the current filing is shown to keep `max_error`; False until all are answered.

    Stopping early because the first answers look good would be one more test. In an audit until a rate is shown it is
    none.
    """
    return (state.is_finished or state.audit.until is not None) and state.bound().at_most <= max_error


def loosest_threshold(state: AuditState, max_error: float) -> ThresholdOffer | None:
    """The loosest threshold that is shown to keep `max_error`; None when there is none.

    The sequence begins at the strictest threshold that allows one wrong image, or else none; this depends on no answer.
    """
    audit, best = state.audit, None
    first = _first_step(audit, max_error)
    if first is None or not (state.is_finished or audit.until is not None):
        return None
    for threshold, kept in audit.steps[audit.steps.index(first) :]:
        if _bound_of_kept(state, threshold, kept) > max_error:
            break
        best = ThresholdOffer(threshold=threshold, kept=kept, filed=audit.population)
    return best


def _bound_of_kept(state: AuditState, threshold: float, kept: int) -> float:
    above = [drawn for drawn in state.judged if drawn.confidence >= threshold]
    bad = sum(map(state.is_bad, above))
    if state.audit.until is None:
        return _upper_bound(state.audit, bad, kept)
    return anytime_upper_bound(bad, len(above), kept, look_confidence(state.audit.number + 1, CONFIDENCE))


def next_sample_size(state: AuditState, max_error: float) -> int:
    """The sample size of a further audit: to allow one wrong image, or to cover half of the library with none wrong."""
    confidence = look_confidence(state.audit.number + 1, CONFIDENCE)
    least = (min_sample_size(max_error, wrong=wrong, confidence=confidence) for wrong in (0, 1))
    none, one = least
    return min(max(one, 2 * none, 2 * len(state.audit.drawn)), state.audit.population)


def default_sample_size(max_error: float | None, number: int) -> int:
    """The default sample size of the `number`-th audit of a sort: enough if none is wrong."""
    if max_error is None:
        return COUNT
    return max(COUNT, min_sample_size(max_error, confidence=look_confidence(number, CONFIDENCE)))


def _first_step(audit: Audit, max_error: float) -> tuple[float, int] | None:
    if audit.until is not None:
        return next((step for step in audit.steps if 2 * step[1] >= audit.population), None)
    allowing = ((step, bad) for bad in (1, 0) for step in audit.steps)
    return next((step for step, bad in allowing if _upper_bound(audit, bad, step[1]) <= max_error), None)


def _upper_bound(audit: Audit, bad: int, kept: int) -> float:
    """The upper bound on the share wrong among kept images, if `bad` of the sample are kept and wrong."""
    count, population, confidence = len(audit.drawn), audit.population, look_confidence(audit.number, CONFIDENCE)
    if audit.simple:
        share = finite_upper_bound(min(bad, count), count, population, confidence)
    else:
        share = upper_bound(bad, count, confidence)
    return share * population / kept
