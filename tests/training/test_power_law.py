"""Forecasts follow the points and their uncertainty."""

from __future__ import annotations

import numpy as np
import pytest

from classifier.training.power_law import PowerLaw, fit_power_law, log_odds, shifted

LABELS = np.array([50.0, 100.0, 150.0, 200.0])
NO_ERROR = np.full(4, 1e-3)


def law(shares: list[float], errors: float = 1e-3, *, error: float = 0.0, by_odds: bool = False) -> PowerLaw:
    return fit_power_law(LABELS, np.array(shares), np.full(4, errors), error=error, by_odds=by_odds)


def test_a_power_law_is_continued() -> None:
    shares = 0.4 * (LABELS / 50) ** -0.5

    assert pytest.approx(0.4 * 8**-0.5, rel=0.05) == law(shares.tolist()).at(400).mean


def test_a_flat_curve_forecasts_no_gain() -> None:
    assert pytest.approx(0.3, rel=0.01) == law([0.3, 0.3, 0.3, 0.3]).at(800).mean


def test_odds_that_fall_are_continued_as_odds() -> None:
    falling = 9.0 * (LABELS / 50) ** -1
    shares = falling / (1 + falling)
    expected = law(shares.tolist(), by_odds=True).at(400).mean

    assert pytest.approx((9 / 8) / (1 + 9 / 8), rel=0.05) == expected


def test_noisy_points_give_a_wide_range() -> None:
    shares = (0.4 * (LABELS / 50) ** -0.5).tolist()
    rough, good = law(shares, 0.2).at(800), law(shares, 1e-3).at(800)

    assert rough.low < rough.mean < rough.high
    assert rough.high - rough.low > 3 * (good.high - good.low)


def test_an_uncertain_level_widens_the_range() -> None:
    shares = (0.4 * (LABELS / 50) ** -0.5).tolist()
    sure, unsure = law(shares).at(400), law(shares, error=0.3).at(400)

    assert unsure.high - unsure.low > sure.high - sure.low


def test_more_labels_never_make_it_worse() -> None:
    found = law([0.5, 0.45, 0.42, 0.4], 0.02)

    assert pytest.approx(1.0) == found.remaining(1)
    assert found.remaining(1) > found.remaining(2) > found.remaining(4) > 0


def test_the_forecast_is_deterministic() -> None:
    found = law([0.5, 0.45, 0.42, 0.4], 0.02, error=0.2)

    assert found.at(400) == found.at(400)


def test_a_shifted_curve_keeps_its_steps_in_log_odds() -> None:
    before = np.array([[0.5], [0.4], [0.3]])
    after = shifted(before, np.array([0.1]))

    assert pytest.approx(0.1) == float(after[-1, 0])
    assert np.allclose(np.diff(log_odds(before), axis=0), np.diff(log_odds(after), axis=0))


def test_a_shifted_share_stays_between_0_and_1() -> None:
    after = shifted(np.array([[0.9], [0.02]]), np.array([0.6]))

    assert 0 < after.min() <= after.max() < 1
