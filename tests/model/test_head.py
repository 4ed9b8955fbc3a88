"""The head in numpy gives the logits of the network; bundles of one backbone share a key."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from torch import nn

from classifier.errors import ModelError
from classifier.model.backbone import Network, load_backbone, load_trained
from classifier.model.bundle import MANIFEST, Bundle, open_bundle
from classifier.model.combined_head import logits_of
from classifier.model.head import feature_scale, fit_head, fit_pca, l2_normalize, load_linear
from classifier.model.manifest import Manifest
from classifier.model.trained import save_bundle

NAMES = ["test_efficientnet", "test_resnet", "test_vit", "test_convnext"]


def manifest(categories: int = 2) -> Manifest:
    return Manifest(
        categories=tuple(f"kind {number}" for number in range(categories)),
        image_size=64,
        max_squeeze=2.0,
        temperature=1.0,
        threshold=0.9,
        backbone="test",
        measured={},
        settings={},
        versions={},
    )


def network(name: str = "test_efficientnet", *, seed: int = 0, categories: int = 2) -> Network:
    torch.manual_seed(seed)
    size = {"img_size": 64} if "vit" in name else {}
    body = timm.create_model(name, pretrained=False, num_classes=categories, **size)
    return Network(body, image_size=64, model_args=size).eval()


def saved(folder: Path, made: Network, categories: int = 2) -> Bundle:
    return save_bundle(folder, network=made, manifest=manifest(categories), evaluation={})


@pytest.mark.parametrize("name", NAMES)
def test_the_head_alone_answers_as_the_whole_network(tmp_path: Path, name: str) -> None:
    made = network(name)
    bundle = saved(tmp_path / "mine", made)
    with torch.inference_mode():
        embeddings = made.embed(torch.randn(3, 3, 64, 64))
        expected = made.classify(embeddings).numpy()

    np.testing.assert_allclose(expected, logits_of(bundle.load_head(), embeddings.numpy(), None), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_a_new_head_keeps_the_backbone_key(tmp_path: Path, name: str) -> None:
    first = saved(tmp_path / "first", network(name))
    again = load_backbone(f"local-dir:{first.folder}", num_categories=3)
    second = saved(tmp_path / "second", again, 3)

    assert first.manifest.backbone_key == second.manifest.backbone_key != ""
    assert first.manifest.key != second.manifest.key
    assert first.manifest.backbone_sha256 == load_trained(first.folder, image_size=64).backbone_sha256()


def test_one_changed_weight_is_another_backbone(tmp_path: Path) -> None:
    made = network()
    first = saved(tmp_path / "first", made)
    with torch.no_grad():
        next(made.body.parameters()).view(-1)[0] += 1e-6
    second = saved(tmp_path / "second", made)

    assert first.manifest.backbone_key != second.manifest.backbone_key


def test_another_size_or_mean_is_another_backbone(tmp_path: Path) -> None:
    made = network()
    first = saved(tmp_path / "first", made).manifest
    made.mean.add_(1)

    assert first.backbone_sha256 != made.backbone_sha256()
    assert first.backbone_key != first.model_copy(update={"image_size": 96}).backbone_key
    assert first.backbone_key != first.model_copy(update={"max_squeeze": 3.0}).backbone_key


def test_an_older_bundle_has_no_backbone_key(tmp_path: Path) -> None:
    folder = saved(tmp_path / "mine", network()).folder
    values = json.loads((folder / MANIFEST).read_text("utf-8"))
    del values["backbone_sha256"], values["head"]
    (folder / MANIFEST).write_text(json.dumps(values), "utf-8")

    assert "" == open_bundle(folder).manifest.backbone_key


def test_a_head_that_is_not_there_is_refused_in_one_line(tmp_path: Path) -> None:
    bundle = saved(tmp_path / "mine", network())
    for weight in ("nothing", "conv_stem.weight"):
        with pytest.raises(ModelError, match=r"model\.safetensors: [^\n]+train again"):
            load_linear(bundle.folder / "model.safetensors", weight=weight, bias="classifier.bias")
    with pytest.raises(ModelError, match="answers for 2 categories"):
        Bundle(bundle.folder, manifest(3).model_copy(update={"head": bundle.manifest.head}), width=0).load_head()


def blobs(num_categories: int, *, seed: int = 0, scale: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    targets = np.repeat(np.arange(num_categories), 20)
    centres = np.random.default_rng(99).normal(size=(num_categories, 6)) * 4
    return ((centres[targets] + draw.normal(size=(len(targets), 6))) * scale).astype(np.float32), targets


@pytest.mark.parametrize("num_categories", [2, 3, 7])
def test_a_fitted_head_classifies_new_embeddings(num_categories: int) -> None:
    head = fit_head(*blobs(num_categories))
    embeddings, targets = blobs(num_categories, seed=1)

    assert (num_categories, 6) == head.weight.shape
    assert (head(embeddings).argmax(axis=1) == targets).mean() > 0.95


def test_one_label_of_each_category_is_fitted_without_a_warning() -> None:
    embeddings, targets = blobs(8)
    firsts = np.arange(8) * 20

    assert (
        targets[firsts].tolist() == fit_head(embeddings[firsts], targets[firsts])(embeddings[firsts]).argmax(1).tolist()
    )


def test_the_scale_of_the_features_does_not_matter() -> None:
    """Standardisation is folded into the weights, so the head takes embeddings as they are."""
    plain, large = blobs(3), blobs(3, scale=1000.0)

    np.testing.assert_allclose(fit_head(*plain)(plain[0]), fit_head(*large)(large[0]), atol=1e-2)


def test_the_network_answers_as_the_head_it_was_given() -> None:
    embeddings, targets = blobs(3)
    head, made = fit_head(embeddings, targets), network(categories=3)
    made.body.classifier = nn.Linear(6, 3)
    made.set_head(head)

    np.testing.assert_allclose(
        head(embeddings), made.classify(torch.from_numpy(embeddings)).detach().numpy(), atol=1e-4
    )


def test_features_that_never_change_do_no_harm() -> None:
    embeddings, targets = blobs(3)
    embeddings = np.concatenate([embeddings, np.zeros((60, 9), dtype=np.float32)], axis=1)

    assert np.isfinite(fit_head(embeddings, targets).weight).all()


def test_products_of_normalized_rows_are_cosines() -> None:
    rows = np.array([[3, 0], [0, 0.5], [2, 2], [-1e-10, 0]], np.float32)
    unit = l2_normalize(rows)

    assert np.float32 == unit.dtype
    np.testing.assert_allclose([1, 0, np.sqrt(0.5), -1], unit @ unit[0], atol=1e-6)


def test_a_row_of_zeros_stays_zero() -> None:
    assert [[0.0, 0.0]] == l2_normalize(np.zeros((1, 2), np.float32)).tolist()


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
