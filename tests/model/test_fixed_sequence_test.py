"""Fixed-sequence testing: the order is fixed in advance and the first failure ends it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import expit, logit

from classifier.model.binomial_bounds import min_sample_size, upper_bound
from classifier.model.fixed_sequence_test import STEP, FixedSequenceResult, fixed_sequence_test, max_wrong


def walked(
    scores: NDArray[np.float64], wrong: NDArray[np.bool_], *, max_error: float = 0.02
) -> FixedSequenceResult | None:
    return fixed_sequence_test(scores, wrong, np.arange(len(scores)), max_error=max_error, confidence=0.95)


def falling(count: int) -> NDArray[np.float64]:
    return np.linspace(12, 3, count)


def nothing_wrong(count: int) -> NDArray[np.bool_]:
    return np.zeros(count, dtype=np.bool_)


@pytest.mark.parametrize(("count", "filed"), [(0, None), (148, None), (149, 149), (500, 500)])
def test_without_errors_all_is_filed_once_the_sample_suffices(count: int, filed: int | None) -> None:
    end = walked(falling(count), nothing_wrong(count))

    assert (None if filed is None else FixedSequenceResult(above=-np.inf, filed=filed, wrong=0)) == end


def test_it_ends_before_the_first_test_that_fails() -> None:
    scores, wrong = falling(1000), nothing_wrong(1000)
    wrong[600:] = True
    end = walked(scores, wrong)

    assert end is not None
    assert 600 / STEP < end.filed < 620
    assert end.above == scores[end.filed]
    assert end.wrong == max(0, end.filed - 600)
    assert upper_bound(end.wrong, end.filed, 0.95) <= 0.02


def test_one_early_mistake_does_not_end_the_sequence() -> None:
    wrong = nothing_wrong(1000)
    wrong[3] = True
    end = walked(falling(1000), wrong)

    assert end == FixedSequenceResult(above=-np.inf, filed=1000, wrong=1)


def test_nothing_is_guaranteed_when_the_most_confident_are_wrong() -> None:
    wrong = nothing_wrong(1000)
    wrong[::10] = True

    assert walked(falling(1000), wrong) is None
    assert walked(falling(1000), wrong, max_error=0.2) is not None


def test_images_of_equal_score_are_filed_together() -> None:
    scores = np.repeat([9.0, 5.0, 1.0], 200)
    wrong = nothing_wrong(600)
    wrong[400:] = True

    assert FixedSequenceResult(above=1.0, filed=400, wrong=0) == walked(scores, wrong)
    assert walked(np.full(300, 3.0), np.arange(300) < 60) is None


@given(st.integers(0, 5000), st.sampled_from([0.01, 0.02, 0.05, 0.3]), st.sampled_from([0.9, 0.95, 0.99]))
def test_max_wrong_agrees_with_the_bound(count: int, max_error: float, sure: float) -> None:
    (most,) = max_wrong(np.array([count]), max_error, sure).tolist()

    assert most < 0 or upper_bound(most, count, sure) <= max_error + 1e-12
    assert upper_bound(most + 1, count, sure) > max_error


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 800), st.sampled_from([0.02, 0.05, 0.1]))
def test_the_filed_images_pass_the_exact_test(seed: int, count: int, max_error: float) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.normal(4, 2, count).round(1)  # so that many are equal
    wrong = rng.random(count) > expit(scores)
    end = walked(scores, wrong, max_error=max_error)
    if end is not None:
        assert int((scores > end.above).sum()) == end.filed >= min_sample_size(max_error)
        assert int(wrong[scores > end.above].sum()) == end.wrong
        assert upper_bound(end.wrong, end.filed, 0.95) <= max_error + 1e-12


@given(st.randoms(use_true_random=False))
def test_the_order_of_the_images_does_not_matter(random: object) -> None:
    rng = np.random.default_rng(random.getrandbits(32))  # type: ignore[attr-defined]
    scores = rng.normal(5, 2, 400)
    wrong = rng.random(400) > expit(scores)
    order = rng.permutation(400)

    assert walked(scores, wrong) == walked(scores[order], wrong[order])


@pytest.mark.parametrize(
    ("trust", "spread"), [(1.0, 2.0), (0.5, 2.0), (2.0, 0.7), (0.0, 1.0)], ids=["true", "too sure", "unsure", "noise"]
)
def test_the_guarantee_holds_at_any_quality_of_scores(trust: float, spread: float) -> None:
    """500 draws of 300 from a world whose true chances are known, also where scores say nothing of them."""
    rng = np.random.default_rng(5)
    scores = rng.normal(3.5, spread, 50_000)
    chances = expit(trust * scores + (logit(0.951) if trust == 0 else 0.0))
    broken = promised = 0
    for _ in range(500):
        drawn = rng.integers(0, len(scores), 300)
        end = walked(scores[drawn], rng.random(300) > chances[drawn], max_error=0.05)
        if end is not None:
            promised += 1
            broken += bool((1 - chances[scores > end.above]).mean() > 0.05)

    assert broken <= 500 * 0.05 + 3 * np.sqrt(500 * 0.05 * 0.95)
    assert promised > (0 if trust else -1)
