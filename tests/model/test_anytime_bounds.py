"""The bound that may be looked at after every draw: exact probabilities over all orders of small libraries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.model.anytime_bounds import anytime_upper_bound, draws_at_rate, log_evidence
from classifier.model.binomial_bounds import finite_upper_bound

if TYPE_CHECKING:
    from collections.abc import Callable

SMALL = 60
CONFIDENCE = 0.8


def probability_of_ever_failing(wrong: int, bound: Callable[[int, int, int, float], float]) -> float:
    """How likely the bound ever lies below the truth while all of SMALL images are drawn, so many of them wrong."""
    left, failed = {0: 1.0}, 0.0
    for drawn in range(1, SMALL + 1):
        after: dict[int, float] = {}
        for seen, probability in left.items():
            share = (wrong - seen) / (SMALL - drawn + 1)
            for now, chance in ((seen + 1, share), (seen, 1 - share)):
                if chance > 0:
                    after[now] = after.get(now, 0.0) + probability * chance
        below = {seen for seen in after if bound(seen, drawn, SMALL, CONFIDENCE) < wrong / SMALL}
        failed += sum(after[seen] for seen in below)
        left = {seen: probability for seen, probability in after.items() if seen not in below}
    return failed


@pytest.mark.parametrize("wrong", [1, 2, 3, 5, 8, 13, 30, 60])
def test_looking_after_every_draw_fails_no_more_often_than_stated(wrong: int) -> None:
    assert probability_of_ever_failing(wrong, anytime_upper_bound) <= 1 - CONFIDENCE


def test_the_bound_of_a_fixed_sample_would_fail_more_often() -> None:
    assert probability_of_ever_failing(8, finite_upper_bound) > 2 * (1 - CONFIDENCE)


@pytest.mark.parametrize(("population", "none", "one", "two"), [(500, 153, 235, 283), (300_000, 201, 325, 430)])
def test_so_many_answers_show_2_percent(population: int, none: int, one: int, two: int) -> None:
    for wrong, drawn in enumerate((none, one, two)):
        assert anytime_upper_bound(wrong, drawn - 1, population, 0.96) > 0.02
        assert anytime_upper_bound(wrong, drawn, population, 0.96) <= 0.02


@given(st.integers(1, 400), st.data())
def test_a_bound_lies_between_the_seen_wrong_and_all_not_seen_right(population: int, data: st.DataObject) -> None:
    drawn = data.draw(st.integers(0, population))
    wrong = data.draw(st.integers(0, drawn))

    bound = anytime_upper_bound(wrong, drawn, population, 0.95)
    assert wrong / population <= bound <= (population - drawn + wrong) / population


@given(st.integers(1, 300_000), st.data())
def test_what_refutes_a_rate_refutes_all_higher_ones(population: int, data: st.DataObject) -> None:
    drawn = data.draw(st.integers(0, min(population, 3_000)))
    wrong = data.draw(st.integers(0, min(drawn, 30)))
    lower, higher = sorted(data.draw(st.tuples(*[st.integers(wrong, population)] * 2)))

    assert log_evidence(wrong, drawn, population, lower) <= log_evidence(wrong, drawn, population, higher) + 1e-6


@given(st.integers(1, 2_000), st.floats(0.005, 0.9))
def test_the_forecast_of_draws_is_the_first_that_shows_the_rate(population: int, max_error: float) -> None:
    enough = draws_at_rate(0, population, max_error, 0.96)

    assert enough is not None
    assert anytime_upper_bound(0, enough, population, 0.96) <= max_error
    assert anytime_upper_bound(0, enough - 1, population, 0.96) > max_error


def test_a_rate_as_high_as_the_target_is_never_shown() -> None:
    assert draws_at_rate(0.02, 300_000, 0.02, 0.96, most=5_000) is None
    assert draws_at_rate(0.03, 500, 0.02, 0.96) is None
