"""The order in which images are asked about, and which predictions are shown."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from classifier.active.query_strategy import DIVERSE_COUNT, Clusters, cluster, has_labeled_neighbors, margin_order


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
    usual = found.closeness.mean()
    sums = [(found.closeness[found.ids == number] - usual).sum() for number in range(6)]
    assert sums == sorted(sums, reverse=True)


def test_leftovers_come_after_what_is_alike_however_many_they_are() -> None:
    alike, leftovers = np.full(20, 0.9, dtype=np.float32), np.full(60, 0.4, dtype=np.float32)
    found = Clusters(
        ids=np.repeat([0, 1], [60, 20]),
        centers=np.eye(2, dtype=np.float32),
        closeness=np.concatenate([leftovers, alike]),
    ).largest_first()
    assert [1] * 60 + [0] * 20 == found.ids.tolist()


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


def probabilities(margins: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    """Of two categories, that far apart."""
    return np.stack([(1 + margins) / 2, (1 - margins) / 2], axis=1)


def kinds(count: int, number: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    """Embeddings of `number` kinds, far apart, and the kind of each."""
    rng = np.random.default_rng(seed)
    kind_of = np.arange(count) % number
    centers = 10 * rng.normal(size=(number, 8))
    return (centers[kind_of] + 0.01 * rng.normal(size=(count, 8))).astype(np.float32), kind_of


@pytest.mark.parametrize("count", [0, 1, 2, 40, 500, DIVERSE_COUNT + 300])
def test_each_image_comes_once_and_the_order_is_repeatable(count: int) -> None:
    embeddings, _ = kinds(count, 5)
    probs = probabilities(np.random.default_rng(1).random(count))

    found = margin_order(embeddings, probs, seed=3)

    assert sorted(found.tolist()) == list(range(count))
    assert found.tolist() == margin_order(embeddings, probs, seed=3).tolist()


def test_after_the_first_thousands_the_order_is_by_margin_alone() -> None:
    count = DIVERSE_COUNT + 500
    embeddings, _ = kinds(count, 5)
    margins = np.random.default_rng(1).random(count)
    found = margin_order(embeddings, probabilities(margins))

    assert margins[found][DIVERSE_COUNT:].tolist() == sorted(margins)[DIVERSE_COUNT:]
    assert set(found[:DIVERSE_COUNT].tolist()) == set(np.argsort(margins)[:DIVERSE_COUNT].tolist())


def test_similar_images_are_spread_though_all_are_the_most_uncertain() -> None:
    embeddings, kind_of = kinds(320, 20)
    margins = np.where(kind_of == 0, 0.01, 0.5)
    found = margin_order(embeddings, probabilities(margins))

    assert kind_of[found[0]] == 0
    assert len(set(kind_of[found[:20]].tolist())) == 20


def test_of_each_kind_the_most_uncertain_comes_first() -> None:
    embeddings, kind_of = kinds(320, 20)
    margins = np.random.default_rng(2).random(320)
    found = margin_order(embeddings, probabilities(margins))

    for kind in range(20):
        rows = [row for row in found.tolist() if kind_of[row] == kind]
        assert rows == sorted(rows, key=lambda row: margins[row])


def test_a_prediction_is_hidden_where_no_labeled_image_is_near() -> None:
    """Of three kinds two are labeled; the head takes the third for the first of them."""
    random = np.random.default_rng(3)
    kind = np.repeat([0, 1, 2], 30)
    embeddings = (np.eye(3, 60)[kind] * 8 + random.normal(size=(90, 60))).astype(np.float32)
    labels = np.where(np.isin(np.arange(90), np.r_[0:20, 30:50]), kind, -1)

    is_near = has_labeled_neighbors(embeddings, labels, np.where(kind == 2, 0, kind))

    shares = [is_near[kind == number].mean() for number in range(3)]
    assert min(shares[:2]) > 0.6
    assert shares[2] == 0


def test_an_image_without_an_embedding_has_no_neighbors() -> None:
    embeddings = np.ones((30, 4), dtype=np.float32)
    embeddings[7] = 0
    is_near = has_labeled_neighbors(embeddings, np.zeros(30, dtype=np.int64), np.zeros(30, dtype=np.int64))

    assert np.flatnonzero(~is_near).tolist() == [7]
