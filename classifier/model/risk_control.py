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
from classifier.model.fixed_sequence_test import fixed_sequence_test, max_wrong
from classifier.paths import command
from classifier.records import Selection

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classifier.model.holdout import HoldoutPredictions

CONFIDENCE = 0.95
ENOUGH_FOR_ITS_OWN = 200
"""Images guessed to be of a category from which on it gets a threshold of its own; below, all such share one."""

_SHIFT_SPREAD = 0.5
_PARTS = 5
_SUREST = 36.0  # log-odds; beyond, a probability is 1 in floating point
_RATES = (0.5, 0.4, 0.3, 0.25, 0.2, 0.15, 0.12, *(percent / 100 for percent in range(10, 0, -1)), 0.005)
_LIKELY = 0.8
_MOST_TIMES = 20


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
            rate=_percent(self.max_error),
            confidence=_percent(self.confidence),
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
    rows = _Rows.of(holdout.by_chance, temperature)
    if not len(rows) and not rows.unjudged:
        raise _nothing_to_go_by(holdout)
    found = _promise(rows, len(categories), max_error, confidence, holdout.method.phrase)
    if found is None:
        raise NoGuarantee(_refusal(rows, len(categories), max_error, confidence), why="few")
    return found


def estimated_threshold(max_error: float) -> float:
    """The threshold that keeps `max_error` by the model's own estimate, where nothing is guaranteed.

    Each filed image is wrong with at most that probability by the model, whatever else is in the crawl; a mean over
    labeled images would depend on which were picked.
    """
    return 1 - max_error


def no_guarantee(error: NoGuarantee, max_error: float, *, library: Path) -> Message:
    """One line: that there is no guarantee, why, and what would give one."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """One row for each image: `odds` is the log-odds of the most likely category under the model."""

    odds: NDArray[np.float64]
    guesses: NDArray[np.int64]
    is_wrong: NDArray[np.bool_]
    groups: NDArray[np.int64]
    unjudged: int

    @classmethod
    def of(cls, holdout: HoldoutPredictions, temperature: float) -> _Rows:
        by_id = np.argsort(np.array(holdout.image_ids, dtype=np.str_), kind="stable")  # by content: chance, not choice
        logits = np.sort(holdout.logits[by_id].astype(np.float64) / temperature, axis=1)
        # The last of the sorted is the guess; of its odds, unlike of a probability, nothing is lost by rounding.
        others = scipy.special.logsumexp(logits[:, :-1], axis=1) if logits.shape[1] > 1 else -np.inf
        odds = logits[:, -1] - others
        guesses = holdout.logits[by_id].argmax(axis=1)
        return cls(
            odds=np.clip(odds, -_SUREST, _SUREST),
            guesses=guesses,
            is_wrong=guesses != holdout.targets[by_id],
            groups=holdout.groups[by_id],
            unjudged=holdout.unjudged,
        )

    def __len__(self) -> int:
        return len(self.odds)


def _promise(rows: _Rows, categories: int, max_error: float, confidence: float, how: str) -> RiskGuarantee | None:
    scores = _comparable(rows, categories)
    rate = {"max_error": max_error, "confidence": confidence}
    end = fixed_sequence_test(scores, rows.is_wrong, rows.groups, **rate, unjudged=rows.unjudged)
    if end is None:
        return None
    bars = end.above - _shifts(rows, categories, np.ones(len(rows), dtype=np.bool_))
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


def _comparable(rows: _Rows, categories: int) -> NDArray[np.float64]:
    """Log-odds that mean the same in each category, (N,); what shifts an image's is fitted to the others alone."""
    parts = np.unique(rows.groups, return_inverse=True)[1] % _PARTS
    scores = rows.odds.copy()
    for part in range(_PARTS):
        inside = parts == part
        scores[inside] += _shifts(rows, categories, ~inside)[rows.guesses[inside]]
    return scores


def _shifts(rows: _Rows, categories: int, among: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The correction of each category's log-odds, (K,); 0 for categories with few images."""
    shifts = np.zeros(categories)
    counts = np.bincount(rows.guesses, minlength=categories)
    for category in np.flatnonzero(counts >= ENOUGH_FOR_ITS_OWN):
        mine = among & (rows.guesses == category)
        sides = np.where(rows.is_wrong[mine], 1.0, -1.0)
        shifts[category] = _shift(rows.odds[mine], sides)
    return shifts


def _shift(odds: NDArray[np.float64], sides: NDArray[np.float64]) -> float:
    """The shift of highest posterior, with a Gaussian prior around 0."""

    def loss(shift: float) -> float:
        return float(np.logaddexp(0, sides * (odds + shift)).sum() + 0.5 * (shift / _SHIFT_SPREAD) ** 2)

    return float(scipy.optimize.minimize_scalar(loss, bounds=(-3.0, 3.0), method="bounded").x)


def _refusal(rows: _Rows, categories: int, max_error: float, confidence: float) -> Message:
    least = min_sample_size(max_error, confidence=confidence)
    wanted = _wanted(rows, max_error, confidence)
    judged = len(rows) + rows.unjudged
    few, none = Message("and so few cannot tell"), Message("but of guesses like these no number would do")
    more = Message("about {count:,} like these", count=wanted) if wanted else few if judged < least else none
    why = Message(
        "no guarantee of {rate}: {judged:,} pictures drawn by chance were judged, it takes at least {least:,} with "
        "none wrong, {more}",
        rate=_percent(max_error),
        judged=judged,
        least=least,
        more=more,
    )
    rates = _promisable(rows, categories, max_error, confidence)
    if not rates:
        return why
    best = rates[-1]
    return Message("{why}; {best} can be guaranteed: --max-error {given:g}", why=why, best=_percent(best), given=best)


def _promisable(rows: _Rows, categories: int, max_error: float, confidence: float) -> list[float]:
    """The rates above `max_error` that can be guaranteed, from the loosest down to the first that cannot.

    Tested in this fixed order, so that the guarantee stays valid although the rate is chosen by the results.
    """
    rates: list[float] = []
    for rate in _RATES:
        if rate <= max_error or _promise(rows, categories, rate, confidence, "") is None:
            break
        rates.append(rate)
    return rates


def _wanted(rows: _Rows, max_error: float, confidence: float) -> int | None:
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


def _percent(share: float) -> str:
    return f"{share * 100:g}%"
