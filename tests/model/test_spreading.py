"""Answers spread over a graph of near pictures, and the graph."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

from classifier.model import nearest as nearest_module
from classifier.model import spreading
from classifier.model.nearest import nearest
from classifier.model.spreading import graph_of, spread

NOBODY = np.array([-1, -1, -1])


def pair_and_one() -> csr_array:
    """Two pictures that are tied with weight 1, and one apart."""
    return graph_of(np.array([[1], [0], [0]], np.int32), np.array([[1], [1], [-0.5]], np.float32))


def shares(*first: float) -> np.ndarray:
    return np.array([[one, 1 - one] for one in first])


def test_two_near_pictures_answer_much_the_same() -> None:
    own = shares(0.9, 0.3, 0.3)
    found = np.exp(spread(pair_and_one(), own, NOBODY))

    # By hand: each hears of the other by 1 / (1 + 0.5), so Z = (I - W / 3)^-1 (I / 2) Y, its rows made 1.
    whole = np.linalg.solve(np.eye(2) - np.array([[0, 1], [1, 0]]) / 3, own[:2] / 2)
    assert np.allclose(whole / whole.sum(axis=1, keepdims=True), found[:2], atol=1e-3)
    assert 0.75 == pytest.approx(found[0, 0], abs=0.01)


def test_a_picture_far_from_all_others_answers_by_itself() -> None:
    found = np.exp(spread(pair_and_one(), shares(0.9, 0.3, 0.3), NOBODY))

    assert [0.3, 0.7] == pytest.approx(found[2].tolist())


def test_a_label_is_all_that_others_hear_from_it() -> None:
    by_share = [np.exp(spread(pair_and_one(), shares(share, 0.5, 0.5), np.array([1, -1, -1]))) for share in (0.1, 0.9)]

    assert np.array_equal(*by_share)
    assert by_share[0][1, 1] > 0.6


def test_categories_spread_apart_come_to_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((60, 8)).astype(np.float32)
    graph = graph_of(*nearest(rows / np.linalg.norm(rows, axis=1, keepdims=True)))
    own, labels = rng.dirichlet(np.ones(7), 60), np.where(np.arange(60) < 9, np.arange(60) % 7, -1)
    whole = spread(graph, own, labels)
    monkeypatch.setattr(spreading, "_COLUMNS", 2)

    assert np.allclose(whole, spread(graph, own, labels), atol=1e-6)


def test_the_nearest_are_those_of_all() -> None:
    rows = np.random.default_rng(0).standard_normal((700, 6)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    neighbors, cosines = nearest(rows)
    products = rows @ rows.T
    np.fill_diagonal(products, -2)

    assert np.array_equal(np.sort(neighbors, axis=1), np.sort(np.argsort(-products, axis=1)[:, :5], axis=1))
    assert np.allclose(np.take_along_axis(products, neighbors.astype(np.int64), axis=1), cosines)


def test_among_many_most_neighbors_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    rows = (np.repeat(rng.standard_normal((40, 16)), 50, axis=0) + rng.standard_normal((2000, 16))).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    exact, _ = nearest(rows)
    for name, value in {"FEW": 100, "_IN_CLUSTER": 50}.items():
        monkeypatch.setattr(nearest_module, name, value)
    found, _ = nearest(rows)

    assert np.mean([len({*one} & {*other}) / 5 for one, other in zip(exact, found, strict=True)]) > 0.8
    assert not (found == np.arange(2000)[:, None]).any()


@pytest.mark.parametrize("noise", [0, 1e-3])
def test_rows_that_are_nearly_all_alike_are_never_compared_all_with_all(
    monkeypatch: pytest.MonkeyPatch, noise: float
) -> None:
    rng = np.random.default_rng(0)
    rows = np.full((3000, 16), 0.25) + noise * rng.standard_normal((3000, 16))
    rows[::100] = -rng.dirichlet(np.ones(16), 30)
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    for name, value in {"FEW": 100, "_IN_CLUSTER": 50, "_MOST_IN_CLUSTER": 60, "_CLUSTERS_SEARCHED": 4}.items():
        monkeypatch.setattr(nearest_module, name, value)
    compared, best = list[int](), nearest_module._best  # what bounds time and memory

    def counted(rows: np.ndarray, part: np.ndarray, others: np.ndarray, most: int) -> object:
        compared.append(len(others))
        return best(rows, part, others, most)

    monkeypatch.setattr(nearest_module, "_best", counted)
    neighbors, cosines = nearest(rows)

    assert max(compared) <= 4 * 60
    assert not (neighbors == np.arange(3000)[:, None]).any()
    assert (np.delete(cosines, np.s_[::100], axis=0) > 0.99).all()


def test_fewer_pictures_than_neighbors_have_all_others() -> None:
    neighbors, _ = nearest(np.eye(3, dtype=np.float32))

    assert [[1, 2], [0, 2], [0, 1]] == np.sort(neighbors, axis=1).tolist()
    assert (1, 0) == nearest(np.ones((1, 2), np.float32))[0].shape
    assert np.allclose(
        [[0.3, 0.7]], np.exp(spread(graph_of(*nearest(np.ones((1, 2), np.float32))), shares(0.3), NOBODY[:1]))
    )
