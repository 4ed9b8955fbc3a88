"""The order of asking: each picture once, the uncertain first, and never many of one kind in a row."""

from __future__ import annotations

import numpy as np
import pytest

from classifier.active.query_strategy import DIVERSE_COUNT, cluster_ids, margin_order


def shares(margins: np.ndarray) -> np.ndarray:
    """Two categories that are so far apart."""
    return np.stack([(1 + margins) / 2, (1 - margins) / 2], axis=1)


def clouds(count: int, kinds: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings around `kinds` directions, and of which kind each is."""
    rng = np.random.default_rng(seed)
    kind_of = np.arange(count) % kinds
    centres = 10 * rng.normal(size=(kinds, 8))
    return (centres[kind_of] + 0.01 * rng.normal(size=(count, 8))).astype(np.float32), kind_of


@pytest.mark.parametrize("count", [0, 1, 2, 40, 500, DIVERSE_COUNT + 300])
def test_every_picture_comes_once_and_the_same_each_time(count: int) -> None:
    embeddings, _ = clouds(count, 5)
    probabilities = shares(np.random.default_rng(1).random(count))

    found = margin_order(embeddings, probabilities, seed=3)

    assert list(range(count)) == sorted(found.tolist())
    assert found.tolist() == margin_order(embeddings, probabilities, seed=3).tolist()


def test_what_is_not_asked_soon_comes_by_its_margin() -> None:
    count = DIVERSE_COUNT + 500
    embeddings, _ = clouds(count, 5)
    margins = np.random.default_rng(1).random(count)
    found = margin_order(embeddings, shares(margins))

    assert sorted(margins)[DIVERSE_COUNT:] == margins[found][DIVERSE_COUNT:].tolist()
    assert set(np.argsort(margins)[:DIVERSE_COUNT].tolist()) == set(found[:DIVERSE_COUNT].tolist())


def test_near_identical_ones_are_far_apart_though_all_of_them_are_the_least_sure() -> None:
    embeddings, kind_of = clouds(320, 20)
    margins = np.where(kind_of == 0, 0.01, 0.5)
    found = margin_order(embeddings, shares(margins))

    assert 0 == kind_of[found[0]]
    assert 20 == len(set(kind_of[found[:20]].tolist()))


def test_of_each_kind_the_least_sure_comes_first() -> None:
    embeddings, kind_of = clouds(320, 20)
    margins = np.random.default_rng(2).random(320)
    found = margin_order(embeddings, shares(margins))

    for kind in range(20):
        of_it = [row for row in found.tolist() if kind_of[row] == kind]
        assert sorted(of_it, key=lambda row: margins[row]) == of_it


def test_what_looks_alike_has_one_number_and_neighbors_resemble_each_other() -> None:
    embeddings, kind_of = clouds(600, 5)
    found = cluster_ids(embeddings)

    assert 600 == len(found)
    for look in set(found.tolist()):
        assert 1 == len(set(kind_of[found == look].tolist()))


def test_few_pictures_have_one_look() -> None:
    assert {0} == set(cluster_ids(clouds(30, 3)[0]).tolist())
