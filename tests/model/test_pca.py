"""Embeddings in few directions."""

from __future__ import annotations

import numpy as np
import pytest

from classifier.model.head import feature_scale
from classifier.model.pca import fit_pca


def test_fewer_directions_keep_the_distances_between_images() -> None:
    embeddings = np.random.default_rng(0).normal(size=(40, 300)).astype(np.float32)
    standard = (embeddings - embeddings.mean(axis=0)) / feature_scale(embeddings.astype(np.float64))
    features = fit_pca(embeddings, width=256)(embeddings)

    assert features.shape == (40, 256)
    assert np.allclose(features @ features.T, standard @ standard.T, atol=1e-2)


def test_the_directions_of_largest_variance_are_kept() -> None:
    random = np.random.default_rng(0)
    common = random.normal(size=(200, 1)) * np.ones(30)
    embeddings = (common + 0.1 * random.normal(size=(200, 30))).astype(np.float32)
    features = fit_pca(embeddings, width=1)(embeddings)[:, 0]

    assert abs(np.corrcoef(features, common[:, 0])[0, 1]) > 0.99


@pytest.mark.parametrize("count", [0, 1, 3])
def test_equal_embeddings_become_zeros(count: int) -> None:
    embeddings = np.ones((count, 5), dtype=np.float32)
    short = fit_pca(embeddings, width=2)(embeddings)
    assert short.shape == (count, 2)
    assert not short.any()
