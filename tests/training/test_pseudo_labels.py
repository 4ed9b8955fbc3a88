"""What is learned of the crawl: the surest of each category, and never as more than the guess is worth."""

from __future__ import annotations

import numpy as np

from classifier.training.pseudo_labels import soft_targets, surest

SHARES = np.array([[0.9, 0.1], [0.6, 0.4], [0.8, 0.2], [0.3, 0.7], [0.45, 0.55], [0.7, 0.3]])


def test_the_surest_of_each_category_are_taken() -> None:
    assert [0, 2, 3] == surest(SHARES, share=0.5).tolist()
    assert [0, 1, 2, 3, 4, 5] == surest(SHARES, share=1).tolist()


def test_of_nothing_nothing_is_taken() -> None:
    assert [] == surest(np.empty((0, 3))).tolist()


def test_a_target_leans_to_the_guess_and_keeps_its_doubt() -> None:
    targets = soft_targets(SHARES)

    assert np.allclose(1, targets.sum(axis=1))
    assert (targets.max(axis=1) >= SHARES.max(axis=1)).all()
    assert np.allclose([0.8 * 0.36 / 0.52 + 0.2, 0.8 * 0.16 / 0.52], targets[1])
