"""What looks alike comes together, the largest and tightest first, each from its centre outwards."""

from __future__ import annotations

import numpy as np
import pytest

from classifier.active.clusters import cluster


def three_heaps() -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    """90, 60 and 30 points about three directions, in one mixed order, and the heap of each."""
    random = np.random.default_rng(1)
    heap = random.permutation(np.repeat([0, 1, 2], [90, 60, 30]))
    return np.eye(3, 40)[heap] * 10 + random.normal(size=(180, 40)), heap


def test_no_cluster_mixes_what_lies_apart() -> None:
    embeddings, heap = three_heaps()
    found = cluster(embeddings.astype(np.float32))
    assert all(1 == len(set(heap[found.look == look])) for look in set(found.look))


def test_numbers_run_from_the_cluster_that_names_most_pictures_to_the_one_that_names_fewest() -> None:
    embeddings, _ = three_heaps()
    found = cluster(embeddings.astype(np.float32))
    worth = [found.closeness[found.look == look].sum() for look in range(found.look.max() + 1)]
    assert 6 == len(worth)
    assert sorted(worth, reverse=True) == worth


def test_the_order_goes_cluster_by_cluster_from_the_centre_outwards() -> None:
    embeddings, _ = three_heaps()
    found = cluster(embeddings.astype(np.float32))
    order = found.in_order()
    keys = list(zip(found.look[order], -found.closeness[order], strict=True))
    assert sorted(keys) == keys


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_a_few_pictures_are_one_cluster(count: int) -> None:
    found = cluster(np.ones((count, 8), dtype=np.float32))
    assert [0] * count == found.look.tolist()
