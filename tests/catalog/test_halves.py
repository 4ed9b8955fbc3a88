"""Rows in half the bytes: at any scale, within a thousandth of the largest number of each row."""

from __future__ import annotations

import numpy as np
import pytest

from classifier.catalog.halves import from_halves, to_halves


@pytest.mark.parametrize("scale", [1e-30, 1e-6, 1.0, 1e6, 1e30])
def test_rows_come_back_at_any_scale(scale: float) -> None:
    rows = (np.random.default_rng(0).normal(size=(300, 40)) * scale).astype(np.float32)
    halves, scales = to_halves(rows)

    assert np.float16 == halves.dtype
    error = np.abs(from_halves(halves, scales) - rows).max(axis=1)
    assert (error <= np.abs(rows).max(axis=1) / 1000).all()


def test_rows_that_were_halved_before_do_not_change_again() -> None:
    rows = np.random.default_rng(0).normal(size=(300, 40)).astype(np.float32)
    once = from_halves(*to_halves(rows))

    np.testing.assert_array_equal(once, from_halves(*to_halves(once)))


def test_what_is_not_finite_is_not_made_finite() -> None:
    halves, _ = to_halves(np.array([[1.0, np.nan], [np.inf, 1.0], [0.0, 0.0]], np.float32))

    assert [False, False, True] == np.isfinite(halves).all(axis=1).tolist()
