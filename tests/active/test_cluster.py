"""K-means clusters of embeddings, and the two ways in which they are numbered."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from classifier.active.cluster import Clusters, cluster


def around_three_directions() -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    """90, 60 and 30 vectors around three directions, in one mixed order, and the direction of each."""
    random = np.random.default_rng(1)
    direction = random.permutation(np.repeat([0, 1, 2], [90, 60, 30]))
    return (np.eye(3, 40)[direction] * 10 + random.normal(size=(180, 40))).astype(np.float32), direction


def clusters() -> Clusters:
    return cluster(around_three_directions()[0], size=30, most=200)


def test_vectors_of_different_directions_are_in_different_clusters() -> None:
    ids, (_, direction) = clusters().ids, around_three_directions()
    assert len(set(ids)) == 6
    assert all(len(set(direction[ids == number])) == 1 for number in set(ids))


def test_large_and_tight_clusters_can_come_first() -> None:
    found = clusters().largest_first()
    sums = [found.closeness[found.ids == number].sum() for number in range(6)]
    assert sums == sorted(sums, reverse=True)


def test_similar_clusters_can_have_adjacent_numbers() -> None:
    found, (_, direction) = clusters().similar_adjacent(), around_three_directions()
    of_number = [direction[found.ids == number][0] for number in range(6)]
    changes = sum(one != other for one, other in pairwise(of_number))
    assert changes == 2


def test_there_are_no_more_clusters_than_asked_for() -> None:
    assert len(set(cluster(around_three_directions()[0], size=1, most=7).ids)) == 7


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_a_few_images_are_one_cluster(count: int) -> None:
    found = cluster(np.ones((count, 8), dtype=np.float32), size=30, most=200)
    assert found.largest_first().ids.tolist() == found.similar_adjacent().ids.tolist() == [0] * count
