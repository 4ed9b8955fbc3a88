"""Risk control: thresholds that keep an error rate at a stated confidence, from held-out predictions.

Only randomly drawn images count, and all of them, near-duplicates included. The guarantee holds for images from the
same distribution, in the same mix of categories; whether a crawl is like that cannot be checked, so the sentence states
it. Where nothing can be guaranteed, `no_guarantee` gives the reason and what would give a guarantee.
"""

# Shapes: N images, K categories.

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import scipy  # which loads its parts when they are first used: scipy.stats takes a second

from classifier.errors import Message, NoGuarantee
from classifier.model.binomial_bounds import look_confidence, min_sample_size, upper_bound
from classifier.model.drawn_rows import DrawnRows, category_shifts, comparable_odds
from classifier.model.fixed_sequence_test import fixed_sequence_test
from classifier.model.risk_refusal import percent, refusal
from classifier.paths import command
from classifier.records import Selection

if TYPE_CHECKING:
    from classifier.model.holdout import HoldoutPredictions

CONFIDENCE = 0.95
_RATES = (0.5, 0.4, 0.3, 0.25, 0.2, 0.15, 0.12, *(percent / 100 for percent in range(10, 0, -1)), 0.005)


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskGuarantee:
    """At most `max_error` wrong among the filed, with `confidence`, when each category is filed from its threshold on.

    `thresholds` in the bundle's order of categories, on calibrated probabilities; None where nothing may be filed. Of
    `pictures` randomly drawn `filed` would have been, `wrong` of them wrongly; the unjudged count in all three. `how`
    says how the model was kept from fitting them.
    """

    max_error: float
    confidence: float
    thresholds: tuple[float | None, ...]
    pictures: int
    filed: int
    wrong: int
    how: str

    @property
    def coverage(self) -> float:
        """Share of the labeled images that would have been filed, 0..1."""
        return self.filed / self.pictures

    @property
    def bound(self) -> float:
        """The upper bound on the error rate from the filed images alone, 0..1."""
        return upper_bound(self.wrong, self.filed, self.confidence)

    @property
    def sentence(self) -> Message:
        """What is guaranteed and from what evidence."""
        return Message(
            "at most {rate} wrong among the filed, {confidence} confidence, on pictures like your labels in the same "
            "mix: by {count:,} of them drawn by chance, {how}",
            rate=percent(self.max_error),
            confidence=percent(self.confidence),
            count=self.pictures,
            how=self.how,
        )


def guarantee_risk(
    holdout: HoldoutPredictions,
    *,
    categories: Sequence[str],
    temperature: float,
    max_error: float,
    confidence: float = CONFIDENCE,
) -> RiskGuarantee:
    """The thresholds that file the most images under the guarantee, from the randomly drawn images of `holdout`.

    Raises NoGuarantee in one line when nothing can: what is there, what it takes, what else can be asked for.
    """
    rows = DrawnRows.of(holdout.by_chance, temperature)
    if not len(rows) and not rows.unjudged:
        raise _nothing_to_go_by(holdout)
    found = _promise(rows, len(categories), max_error, confidence, holdout.method.phrase)
    if found is None:
        best = _least_above(rows, len(categories), max_error, confidence)
        why = refusal(rows, categories, max_error=max_error, confidence=confidence, least_rate=best)
        raise NoGuarantee(why, why="few")
    return found


def least_rate(
    holdout: HoldoutPredictions,
    *,
    categories: Sequence[str],
    temperature: float,
    max_error: float,
    confidence: float = CONFIDENCE,
) -> float | None:
    """`max_error` if it can be guaranteed, else the least rate above it that can; None if none can."""
    rows = DrawnRows.of(holdout.by_chance, temperature)
    if not len(rows) and not rows.unjudged:
        return None
    if _promise(rows, len(categories), max_error, confidence, "") is not None:
        return max_error
    return _least_above(rows, len(categories), max_error, confidence)


def estimated_threshold(max_error: float) -> float:
    """The threshold that keeps `max_error` by the model's own estimate, where nothing is guaranteed.

    Each filed image is wrong with at most that probability by the model, whatever else is in the crawl; a mean over
    labeled images would depend on which were picked.
    """
    return 1 - max_error


def no_guarantee(error: NoGuarantee, max_error: float, *, library: Path | None) -> Message:
    """One line: that there is no guarantee, why, and what would give one by the audit of a library, if there is one."""
    if library is None:
        return error.message
    least = min_sample_size(max_error, confidence=look_confidence(1, CONFIDENCE))
    return Message(
        "{why}; for a guarantee answer {least:,} random pictures of what was filed (all, where fewer are), none of "
        "them wrong: {command}, or Audit on the page",
        why=error.message,
        least=least,
        command=command("audit", library, "--count", least),
    )


def _nothing_to_go_by(holdout: HoldoutPredictions) -> NoGuarantee:
    if Selection.FITTED in holdout.selections:
        return NoGuarantee("no guarantee: the backbone has learned from these labels, or may have", why="fitted")
    return NoGuarantee("no guarantee: the labels were picked, not drawn by chance", why="picked")


def _promise(rows: DrawnRows, categories: int, max_error: float, confidence: float, how: str) -> RiskGuarantee | None:
    scores = comparable_odds(rows, categories)
    rate = {"max_error": max_error, "confidence": confidence}
    end = fixed_sequence_test(scores, rows.is_wrong, rows.groups, **rate, unjudged=rows.unjudged)
    if end is None:
        return None
    bars = end.above - category_shifts(rows, categories, np.ones(len(rows), dtype=np.bool_))
    thresholds = [float(np.nextafter(scipy.special.expit(bar), 1)) if np.isfinite(bar) else 0.0 for bar in bars]
    is_filed = rows.odds > bars[rows.guesses]
    known = set(rows.guesses[is_filed].tolist())  # a category that no such image speaks for is not filed into
    return RiskGuarantee(
        max_error=max_error,
        confidence=confidence,
        thresholds=tuple(bar if index in known else None for index, bar in enumerate(thresholds)),
        pictures=len(rows) + rows.unjudged,
        filed=end.filed,
        wrong=end.wrong,
        how=how,
    )


def _least_above(rows: DrawnRows, categories: int, max_error: float, confidence: float) -> float | None:
    """The least rate above `max_error` that can be guaranteed: the last before the first that cannot.

    Tested from the loosest down in this fixed order, so that the guarantee stays valid although the rate is chosen by
    the results.
    """
    least = None
    for rate in _RATES:
        if rate <= max_error or _promise(rows, categories, rate, confidence, "") is None:
            break
        least = rate
    return least
