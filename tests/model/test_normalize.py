"""Embeddings as directions."""

from __future__ import annotations

import numpy as np

from classifier.model.normalize import directions


def test_the_product_of_two_directions_is_their_cosine() -> None:
    rows = np.array([[3, 0], [0, 0.5], [2, 2], [-1e-10, 0]], np.float32)
    unit = directions(rows)

    assert np.float32 == unit.dtype
    np.testing.assert_allclose([1, 0, np.sqrt(0.5), -1], unit @ unit[0], atol=1e-6)


def test_a_row_of_zeros_is_like_nothing() -> None:
    assert [[0.0, 0.0]] == directions(np.zeros((1, 2), np.float32)).tolist()
