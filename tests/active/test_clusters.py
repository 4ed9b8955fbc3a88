"""What looks alike comes together, the largest and tightest first, each from its centre outwards."""

from __future__ import annotations

import numpy as np
import pytest

from classifier.active.clusters import cluster_sample


def three_heaps() -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    """90, 60 and 30 points about three directions, in one mixed order, and the heap of each."""
    random = np.random.default_rng(1)
    heap = random.permutation(np.repeat([0, 1, 2], [90, 60, 30]))
    return np.eye(3, 40)[heap] * 10 + random.normal(size=(180, 40)), heap


def test_no_cluster_mixes_what_lies_apart() -> None:
    embeddings, heap = three_heaps()
    found = cluster_sample(embeddings.astype(np.float32))
    assert all(1 == len(set(heap[found.cluster_id == look])) for look in set(found.cluster_id))


def test_numbers_run_from_the_cluster_that_names_most_pictures_to_the_one_that_names_fewest() -> None:
    embeddings, _ = three_heaps()
    found = cluster_sample(embeddings.astype(np.float32))
    worth = [found.closeness[found.cluster_id == look].sum() for look in range(found.cluster_id.max() + 1)]
    assert 6 == len(worth)
    assert sorted(worth, reverse=True) == worth


def test_the_order_goes_cluster_by_cluster_from_the_centre_outwards() -> None:
    embeddings, _ = three_heaps()
    found = cluster_sample(embeddings.astype(np.float32))
    order = found.in_order()
    keys = list(zip(found.cluster_id[order], -found.closeness[order], strict=True))
    assert sorted(keys) == keys


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_a_few_pictures_are_one_cluster(count: int) -> None:
    found = cluster_sample(np.ones((count, 8), dtype=np.float32))
    assert [0] * count == found.cluster_id.tolist()
