"""What a person's answers teach the OOD detector."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from classifier.model.ood import OodDetector, fit_ood
from classifier.model.ood_answers import Answered, learn_from_answers

SHARE = 0.05


def around(count: int, *, at: int, spread: float = 0.05, seed: int = 0) -> NDArray[np.float32]:
    """Statistics around one of eight directions."""
    return np.asarray(np.eye(8)[at] + np.random.default_rng(seed).normal(0, spread, (count, 8)), dtype=np.float32)


def plain(count: int) -> NDArray[np.float32]:
    """Embeddings that are all alike: what is unlike is told by the statistics alone."""
    return np.ones((count, 4), np.float32)


def answers(stats: NDArray[np.float32]) -> Answered:
    return Answered(embeddings=plain(len(stats)), stats=stats)


@pytest.fixture(scope="module")
def known() -> OodDetector:
    """Fitted to a hundred labels around the first direction."""
    return fit_ood(around(100, at=0), plain(100), np.zeros(100, np.int64), np.arange(100))


def after(known: OodDetector, *, good: NDArray[np.float32], none: NDArray[np.float32]) -> OodDetector:
    return learn_from_answers(
        known, plain(len(known.points)), of_a_category=answers(good), of_none=answers(none), share=SHARE
    )


def unknown(detector: OodDetector, stats: NDArray[np.float32]) -> float:
    """The share of them that is unknown."""
    return float((detector.score(stats, plain(len(stats))) >= detector.threshold(SHARE)).mean())


NOTHING = around(0, at=0)
FAR_APART = np.concatenate([around(1, at=0, spread=0.3, seed=seed) for seed in range(50)])
"""Each is unlike the labels and unlike the others."""


def test_images_like_those_of_a_category_are_no_longer_unknown(known: OodDetector) -> None:
    learned = after(known, good=around(10, at=1, spread=0.01, seed=1), none=NOTHING)

    assert 1 == unknown(known, around(20, at=1, spread=0.01, seed=2))
    assert 0 == unknown(learned, around(20, at=1, spread=0.01, seed=2))
    assert 1 == unknown(learned, around(20, at=2, seed=3))
    assert known.threshold(SHARE) == learned.threshold(SHARE)  # near to each other, they need no more


def test_where_most_of_unknown_is_of_a_category_the_threshold_rises(known: OodDetector) -> None:
    learned = after(known, good=FAR_APART[:20], none=around(3, at=2))

    assert unknown(known, FAR_APART) > 0.9
    assert learned.threshold(SHARE) > known.threshold(SHARE)
    assert unknown(learned, FAR_APART[20:]) < 0.5
    assert 1 == unknown(learned, around(20, at=2, spread=0.0))  # as far as those that are of none


def test_only_the_limit_of_the_unknown_rises_not_that_of_the_review(known: OodDetector) -> None:
    learned = after(known, good=FAR_APART[:20], none=around(3, at=2))

    assert learned.threshold(SHARE) > known.threshold(SHARE)
    assert learned.threshold(SHARE / 2) >= learned.threshold(SHARE)
    assert [known.threshold(share) for share in (0.06, 0.1, 0.2)] == [
        learned.threshold(share) for share in (0.06, 0.1, 0.2)
    ]


def test_where_most_of_unknown_is_of_none_the_threshold_stays(known: OodDetector) -> None:
    learned = after(known, good=FAR_APART[:20], none=around(20, at=2))

    assert known.threshold(SHARE) == learned.threshold(SHARE)


def test_answers_about_images_that_were_not_unknown_change_no_threshold(known: OodDetector) -> None:
    learned = after(known, good=around(300, at=0, spread=0.03, seed=4), none=around(30, at=0, seed=5))

    assert known.threshold(SHARE) == learned.threshold(SHARE)


def test_without_answers_the_detector_stays_as_it_is(known: OodDetector) -> None:
    assert known is after(known, good=NOTHING, none=around(5, at=2))


def test_the_threshold_stays_where_nothing_counts_as_unknown(known: OodDetector) -> None:
    learned = learn_from_answers(
        known, plain(100), of_a_category=answers(FAR_APART[:20]), of_none=answers(NOTHING), share=0
    )

    assert np.array_equal(known.scores, learned.scores)
