"""The neighbors of many pictures are found once, and anew for other pictures or where what was kept is damaged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from classifier.model.head import l2_normalize
from classifier.model.nearest import nearest
from classifier.records import ImageId
from classifier.sort import kept_neighbors
from classifier.sort.graph_nodes import Nodes
from classifier.sort.kept_neighbors import NAME, kept_nearest

if TYPE_CHECKING:
    from pathlib import Path

COUNT = 60


def nodes_of(count: int = COUNT) -> Nodes:
    rows = np.random.default_rng(0).normal(size=(count, 8)).astype(np.float32)
    return Nodes(
        image_ids=tuple(ImageId(f"{number:064x}") for number in range(count)),
        short=l2_normalize(rows),
        logits=np.zeros((1, count, 2), np.float16),
        labels=np.arange(4),
        stored=count,
    )


@pytest.fixture
def searched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows were compared, search by search, where eleven are many."""
    counts: list[int] = []

    def counted(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        counts.append(len(rows))
        return nearest(rows)

    monkeypatch.setattr(kept_neighbors, "nearest", counted)
    monkeypatch.setattr(kept_neighbors, "FEW", 10)
    return counts


def test_the_same_pictures_are_compared_once(tmp_path: Path, searched: list[int]) -> None:
    first, again = kept_nearest(tmp_path, nodes_of()), kept_nearest(tmp_path, nodes_of())
    kept_nearest(tmp_path, nodes_of(COUNT - 1))

    assert [COUNT, COUNT - 1] == searched
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))


def test_few_pictures_leave_no_file(tmp_path: Path, searched: list[int]) -> None:
    kept_nearest(tmp_path, nodes_of(10))

    assert [10] == searched
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"neither"])
def test_a_damaged_file_is_made_anew(tmp_path: Path, searched: list[int], content: bytes) -> None:
    expected = kept_nearest(tmp_path, nodes_of())
    whole = (tmp_path / NAME).read_bytes()
    for damaged in (content, whole[: len(whole) // 2]):
        (tmp_path / NAME).write_bytes(damaged)
        found = kept_nearest(tmp_path, nodes_of())
        assert all(np.array_equal(one, other) for one, other in zip(expected, found, strict=True))

    assert [COUNT] * 3 == searched


def test_neighbors_that_are_none_of_the_pictures_are_not_taken(tmp_path: Path, searched: list[int]) -> None:
    kept_nearest(tmp_path, nodes_of())
    with np.load(tmp_path / NAME) as arrays:
        kept = dict(arrays)
    kept["neighbors"] = np.full_like(kept["neighbors"], COUNT)
    np.savez(tmp_path / NAME, **kept)
    kept_nearest(tmp_path, nodes_of())

    assert [COUNT, COUNT] == searched


def test_where_nothing_can_be_written_they_are_found_all_the_same(tmp_path: Path, searched: list[int]) -> None:
    for _ in range(2):
        neighbors, _ = kept_nearest(tmp_path / "missing", nodes_of())

    assert [COUNT, COUNT] == searched
    assert (COUNT, 5) == neighbors.shape
