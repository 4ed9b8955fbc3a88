"""A real bundle that answers by colour: a tiny random network with a head fitted on red, green and blue."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import timm
import torch
from sklearn.linear_model import LogisticRegression

from classifier.model.backbone import Network
from classifier.model.bundle import Bundle, save_bundle
from classifier.model.manifest import Manifest
from kit.pictures import COLOURS

CATEGORIES = ("blue", "green", "red")
_SIZE = 32


def colour_bundle(folder: Path, *, threshold: float = 0.9) -> Bundle:
    """Save a bundle with the categories blue, green and red; a picture of another colour leaves it unsure."""
    torch.manual_seed(0)
    network = Network(timm.create_model("test_efficientnet", pretrained=False, num_classes=3), image_size=_SIZE).eval()
    rng = np.random.default_rng(0)
    colours = np.repeat(np.array([COLOURS[category] for category in CATEGORIES]), 40, axis=0)
    noisy = np.clip(colours + rng.normal(0, 12, colours.shape), 0, 255).astype(np.uint8)
    pixels = torch.from_numpy(noisy)[:, :, None, None].expand(-1, -1, _SIZE, _SIZE)
    with torch.inference_mode():
        embeddings = network.embed(network.normalise(pixels)).numpy()
    scale = np.abs(embeddings).max()
    head = LogisticRegression(C=20.0, max_iter=1000).fit(embeddings / scale, np.repeat(np.arange(3), 40))
    with torch.no_grad():
        network.head.weight.copy_(torch.from_numpy(head.coef_ / scale))
        network.head.bias.copy_(torch.from_numpy(head.intercept_))
    manifest = Manifest(
        categories=CATEGORIES,
        image_size=_SIZE,
        max_squeeze=2.0,
        temperature=1.0,
        threshold=threshold,
        backbone="test",
        measured={},
        settings={},
        versions={},
    )
    return save_bundle(folder, network=network, manifest=manifest, evaluation={})
