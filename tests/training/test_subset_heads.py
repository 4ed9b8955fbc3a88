"""Heads on growing subsets, cross-validated."""

from __future__ import annotations

import numpy as np
import pytest

from classifier.model.head import STRENGTH
from classifier.training.subset_heads import fit_subsets, standardize_pca


def drawn(count: int, width: int, *, categories: int = 3, spread: float = 0.6) -> tuple[np.ndarray, np.ndarray]:
    draws = np.random.default_rng(0)
    targets = np.arange(count) % categories
    centres = draws.normal(0, spread, (categories, width))
    return (centres[targets] + draws.normal(0, 1, (count, width))).astype(np.float32), targets


def standardised(embeddings: np.ndarray) -> np.ndarray:
    variance = embeddings.var(axis=0)
    return (embeddings - embeddings.mean(axis=0)) / np.sqrt(variance + np.median(variance))


def test_heads_on_fewer_dimensions_give_the_same_logits() -> None:
    embeddings, targets = drawn(90, 400)
    features = standardize_pca(embeddings)
    few, all_ = (
        next(
            fit_subsets(x, targets, np.arange(90), categories=3, shares=(1.0,), folds=3, strength=STRENGTH, seed=0)
        ).logits
        for x in (features, standardised(embeddings).astype(np.float32))
    )

    assert (90, 90) == features.shape
    assert np.abs(few - all_).max() < 0.05 * np.abs(all_).max()


def test_the_distances_between_pictures_stay_as_they_were() -> None:
    embeddings, _ = drawn(40, 300)
    features = standardize_pca(embeddings)
    standard = standardised(embeddings)

    assert np.allclose(features @ features.T, standard @ standard.T, atol=1e-2)


def test_near_duplicates_stay_in_one_fold() -> None:
    """Twins share a label that nothing shows; were one learned from, the other would be judged right."""
    draws = np.random.default_rng(0)
    once = draws.normal(size=(60, 200)).astype(np.float32)
    embeddings = np.concatenate([once, once])
    targets = np.tile(draws.permutation(np.arange(60) % 2), 2)
    apart = {}
    for name, groups in (("together", np.tile(np.arange(60), 2)), ("apart", np.arange(120))):
        (grown,) = fit_subsets(
            standardize_pca(embeddings),
            targets,
            groups,
            categories=2,
            shares=(1.0,),
            folds=5,
            strength=STRENGTH,
            seed=0,
        )
        apart[name] = float((grown.logits.argmax(axis=1) == targets).mean())

    assert apart["apart"] > 0.75
    assert apart["together"] < 0.7


def test_subsets_are_nested() -> None:
    embeddings, targets = drawn(240, 60, spread=0.15)
    grown = list(
        fit_subsets(
            standardize_pca(embeddings),
            targets,
            np.arange(240),
            categories=3,
            shares=(0.25, 0.5, 1.0),
            folds=3,
            strength=STRENGTH,
            seed=1,
        )
    )
    right = [float((step.logits.argmax(axis=1) == targets).mean()) for step in grown]

    assert [pytest.approx(40, abs=8), pytest.approx(80, abs=8), 160] == [step.labels for step in grown]
    assert right[0] < right[-1]


def test_a_category_of_one_image_or_one_group_is_handled() -> None:
    embeddings, targets = drawn(60, 20, categories=2)
    targets[0] = 2
    (grown,) = fit_subsets(
        standardize_pca(embeddings),
        targets,
        np.arange(60) // 4,
        categories=4,
        shares=(1.0,),
        folds=3,
        strength=1.0,
        seed=0,
    )

    assert np.isfinite(grown.logits).all()
    assert 3 not in grown.logits.argmax(axis=1)
