"""Pseudo-labels: the sample of the crawl, the selection and the soft targets."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from classifier.training.pseudo_labels import sample, sample_size, select_confident, soft_targets
from kit.tree import make_tree

SHARES = np.array([[0.9, 0.1], [0.6, 0.4], [0.8, 0.2], [0.3, 0.7], [0.45, 0.55], [0.7, 0.3]])


def test_the_most_confident_of_each_category_are_selected() -> None:
    assert [0, 2, 3] == select_confident(SHARES, share=0.5).tolist()
    assert [0, 1, 2, 3, 4, 5] == select_confident(SHARES, share=1).tolist()


def test_an_empty_pool_selects_nothing() -> None:
    assert [] == select_confident(np.empty((0, 3)), share=0.4).tolist()


def test_soft_targets_are_sharpened_probabilities() -> None:
    targets = soft_targets(SHARES)

    assert np.allclose(1, targets.sum(axis=1))
    assert (targets.max(axis=1) >= SHARES.max(axis=1)).all()
    assert np.allclose([0.8 * 0.36 / 0.52 + 0.2, 0.8 * 0.16 / 0.52], targets[1])


def test_a_sample_is_a_repeatable_draw(tmp_path: Path) -> None:
    make_tree(tmp_path, {"a": {f"{n}.jpg": b"x" for n in range(50)}, "notes.txt": b"no picture"})
    drawn, found = sample(tmp_path, count=10, seed=1)

    assert (10, 50) == (len(set(drawn)), found.pictures)
    assert drawn == sample(tmp_path, count=10, seed=1)[0]
    assert drawn != sample(tmp_path, count=10, seed=2)[0]


def test_new_files_change_little_of_the_sample(tmp_path: Path) -> None:
    make_tree(tmp_path, {f"{n}.jpg": b"x" for n in range(100)})
    before, _ = sample(tmp_path, count=30, seed=0)
    make_tree(tmp_path, {f"new{n}.jpg": b"x" for n in range(10)})
    after, _ = sample(tmp_path, count=30, seed=0)

    assert len(set(before) & set(after)) > 20


def test_the_sample_grows_with_the_labels_within_bounds() -> None:
    assert [1000, 1920, 4000] == [sample_size(labels) for labels in (10, 160, 5000)]
