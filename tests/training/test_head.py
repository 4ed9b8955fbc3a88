"""The head is a plain linear layer that answers as logistic regression does."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from classifier.training.head import fit_head


def blobs(num_categories: int, *, seed: int = 0, scale: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    targets = np.repeat(np.arange(num_categories), 20)
    centres = np.random.default_rng(99).normal(size=(num_categories, 6)) * 4
    return ((centres[targets] + draw.normal(size=(len(targets), 6))) * scale).astype(np.float32), targets


@pytest.mark.parametrize("num_categories", [2, 3, 7])
def test_a_head_tells_new_pictures_apart(num_categories: int) -> None:
    head = fit_head(*blobs(num_categories))
    embeddings, targets = blobs(num_categories, seed=1)

    assert (num_categories, 6) == head.weight.shape
    assert (head(embeddings).argmax(axis=1) == targets).mean() > 0.95


def test_the_scale_of_the_features_does_not_matter() -> None:
    """Standardisation is folded into the weights, so the head takes embeddings as they are."""
    plain, large = blobs(3), blobs(3, scale=1000.0)

    np.testing.assert_allclose(fit_head(*plain)(plain[0]), fit_head(*large)(large[0]), atol=1e-2)


def test_the_layer_answers_as_the_head() -> None:
    embeddings, targets = blobs(3)
    head, layer = fit_head(embeddings, targets), nn.Linear(6, 3)
    head.put_into(layer)

    np.testing.assert_allclose(head(embeddings), layer(torch.from_numpy(embeddings)).detach().numpy(), atol=1e-4)


def test_features_that_never_change_do_no_harm() -> None:
    embeddings, targets = blobs(3)
    embeddings = np.concatenate([embeddings, np.zeros((60, 9), dtype=np.float32)], axis=1)

    assert np.isfinite(fit_head(embeddings, targets).weight).all()
