"""A guess counts only where the picture is like those that the category was named by."""

from __future__ import annotations

import numpy as np

from classifier.active.clusters import reduced_directions
from classifier.active.cold_start import has_labeled_neighbors


def test_what_is_like_no_named_category_is_taken_for_none() -> None:
    """Three heaps, of which two were named; the head takes the third for the first of them."""
    random = np.random.default_rng(3)
    heap = np.repeat([0, 1, 2], 30)
    embeddings = (np.eye(3, 60)[heap] * 8 + random.normal(size=(90, 60))).astype(np.float32)
    labeled_rows = np.r_[0:20, 30:50]

    found = has_labeled_neighbors(
        reduced_directions(embeddings),
        labeled_rows=labeled_rows,
        targets=heap[labeled_rows],
        best=np.where(heap == 2, 0, heap),
    )

    shares = [found[heap == number].mean() for number in range(3)]
    assert min(shares[:2]) > 0.6
    assert 0 == shares[2]


def test_directions_have_length_one_and_nothing_is_divided_by_zero() -> None:
    assert [1.0] * 4 == np.linalg.norm(reduced_directions(np.eye(4, dtype=np.float32)), axis=1).round(9).tolist()
    assert [0.0] * 3 == np.linalg.norm(reduced_directions(np.ones((3, 5), dtype=np.float32)), axis=1).tolist()
