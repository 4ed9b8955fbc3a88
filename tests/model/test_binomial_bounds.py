"""The bounds match published values and hold with the stated confidence."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.model.binomial_bounds import finite_upper_bound, look_confidence, min_sample_size, p_value, upper_bound


@pytest.mark.parametrize(
    ("max_error", "wrong", "pictures"),
    [
        *[(0.02, wrong, pictures) for wrong, pictures in ((0, 149), (1, 236), (2, 313), (5, 523))],
        *[(0.05, wrong, pictures) for wrong, pictures in ((0, 59), (1, 93), (2, 124), (5, 208))],
        *[(0.01, wrong, pictures) for wrong, pictures in ((0, 299), (1, 473), (2, 628), (5, 1049))],
    ],
)
def test_the_minimum_sample_size_matches_known_values(max_error: float, wrong: int, pictures: int) -> None:
    assert pictures == min_sample_size(max_error, wrong=wrong)
    assert upper_bound(wrong, pictures, 0.95) <= max_error < upper_bound(wrong, pictures - 1, 0.95)


@pytest.mark.parametrize(
    ("wrong", "of", "share"),
    [(0, 157, 0.0189), (0, 150, 0.0198), (1, 10, 0.3942), (5, 10, 0.7776), (3, 1000, 0.0077)],
)
def test_the_bound_matches_published_tables(wrong: int, of: int, share: float) -> None:
    assert share == pytest.approx(upper_bound(wrong, of, 0.95), abs=5e-5)


@pytest.mark.parametrize("of", [0, 1, 7])
def test_all_wrong_or_an_empty_sample_gives_a_bound_of_one(of: int) -> None:
    assert upper_bound(of, of, 0.95) == 1.0
    assert finite_upper_bound(of, of, 40, 0.95) == 1.0


@given(st.integers(0, 30), st.integers(1, 2000), st.floats(0.5, 0.999))
def test_the_bound_is_where_the_outcome_becomes_too_rare(wrong: int, right: int, confidence: float) -> None:
    share = upper_bound(wrong, wrong + right, confidence)
    assert wrong / (wrong + right) < share < 1
    assert 1 - confidence == pytest.approx(p_value(wrong, wrong + right, share), rel=1e-6)


@given(st.integers(0, 5), st.sampled_from([0.005, 0.02, 0.05, 0.1, 0.3, 0.9]), st.floats(0.5, 0.999))
def test_one_image_less_than_the_minimum_is_not_enough(wrong: int, max_error: float, confidence: float) -> None:
    least = min_sample_size(max_error, wrong=wrong, confidence=confidence)
    assert p_value(wrong, least, max_error) <= 1 - confidence
    assert least == wrong + 1 or p_value(wrong, least - 1, max_error) > 1 - confidence


@given(st.data())
def test_the_finite_bound_is_the_largest_plausible_count(data: st.DataObject) -> None:
    population = data.draw(st.integers(1, 60))
    drawn = data.draw(st.integers(0, population))
    wrong = data.draw(st.integers(0, drawn))
    most = round(finite_upper_bound(wrong, drawn, population, 0.9) * population)
    assert wrong <= most <= population - (drawn - wrong)
    assert _so_few(wrong, drawn, population, most) > 0.1 - 1e-9 or most == wrong
    if most < population - (drawn - wrong):
        assert _so_few(wrong, drawn, population, most + 1) <= 0.1 + 1e-12


def _so_few(wrong: int, drawn: int, population: int, bad: int) -> float:
    ways = (math.comb(bad, k) * math.comb(population - bad, drawn - k) for k in range(wrong + 1))
    return sum(ways) / math.comb(population, drawn)


def test_a_draw_of_the_whole_population_is_exact() -> None:
    assert finite_upper_bound(0, 40, 40, 0.95) == 0.0
    assert finite_upper_bound(3, 40, 40, 0.95) == 3 / 40
    assert finite_upper_bound(0, 0, 0, 0.95) == 0.0


@given(st.integers(0, 4), st.integers(5, 150), st.integers(0, 5000))
def test_knowing_the_population_never_loosens_the_bound(wrong: int, drawn: int, rest: int) -> None:
    assert finite_upper_bound(wrong, drawn, drawn + rest, 0.95) <= upper_bound(wrong, drawn, 0.95) + 1e-9


def test_for_a_large_population_the_bound_is_binomial() -> None:
    assert finite_upper_bound(2, 150, 3_000_000, 0.95) == pytest.approx(upper_bound(2, 150, 0.95), rel=1e-3)


@pytest.mark.parametrize("share", [0.005, 0.02, 0.1, 0.35])
def test_the_bounds_hold_with_the_stated_confidence(share: float) -> None:
    rng = np.random.default_rng(0)
    of, population = 150, 400
    bad = round(share * population)
    kept = np.mean([share <= upper_bound(int(wrong), of, 0.95) for wrong in rng.binomial(of, share, 2000)])
    drawn = rng.hypergeometric(bad, population - bad, of, 2000)
    kept_of = np.mean([bad / population <= finite_upper_bound(int(wrong), of, population, 0.95) for wrong in drawn])
    assert kept >= 0.95 - 0.01
    assert kept_of >= 0.95 - 0.01


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_all_looks_together_keep_the_confidence(confidence: float) -> None:
    spendings = [1 - look_confidence(look, confidence) for look in range(1, 5000)]

    assert sorted(spendings, reverse=True) == spendings
    assert 0.999 * (1 - confidence) < sum(spendings) < 1 - confidence
    assert 160 == min_sample_size(0.02, confidence=look_confidence(1, 0.95))
