"""Learning from the settings to the bundle, with a tiny backbone from a local folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import timm
import torch

from classifier.errors import LabelsError, ModelError
from classifier.infer.pixels import load_pixels
from classifier.learn.recipe import Learned, learn
from classifier.model.backbone import Network, save_network
from classifier.progress import SavingProgress
from classifier.settings import Settings, load
from kit.pictures import COLOURS, encoded, varied
from kit.tree import Tree, make_tree

KINDS = ("blue", "green", "red")


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Random weights in a timm folder: enough to tell colours by."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("backbone")
    body = timm.create_model("test_efficientnet", pretrained=False, num_classes=10)
    save_network(Network(body, image_size=32), folder, label_names=[str(n) for n in range(10)], crop_mode="squash")
    return f"local-dir:{folder}"


def tree(count: int = 6) -> Tree:
    return {
        kind: {
            f"{kind}{n}.png": encoded(varied(COLOURS[kind], seed=97 * n + ord(kind[0])), "PNG") for n in range(count)
        }
        for kind in KINDS
    }


def settings(folder: Path, backbone: str, *overrides: str) -> Settings:
    fixed = (f"labels.folder={folder / 'labels'}", f"model.folder={folder / 'model'}", f"model.backbone={backbone}")
    small = ("model.image_size=32", "train.epochs=2", "train.batch_size=4", "runtime.workers=0")
    return load(None, [*fixed, *small, *overrides])


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory, backbone: str) -> Learned:
    folder = tmp_path_factory.mktemp("learned")
    make_tree(folder / "labels", tree())
    return learn(settings(folder, backbone))


def test_what_was_learned_is_in_the_bundle(learned: Learned) -> None:
    manifest = learned.bundle.manifest
    names = {path.name for path in learned.bundle.folder.iterdir()}

    assert KINDS == manifest.categories
    assert {"config.json", "model.safetensors", "illsort.json", "evaluation.json", "README.md"} == names
    assert (18, 3) == (manifest.measured["labels"], manifest.measured["held_out"])
    saved = (learned.bundle.folder / "evaluation.json").read_text("utf-8")
    assert json.loads(json.dumps(learned.evaluation)) == json.loads(saved)


def test_the_bundle_tells_the_colours_apart(learned: Learned) -> None:
    network = learned.bundle.load_network()
    transform = learned.bundle.manifest.transform
    pictures = [encoded(varied(COLOURS[kind], seed=1000 + n), "PNG") for kind in KINDS for n in range(5)]
    pixels = torch.stack([transform(load_pixels(data, max_megapixels=1)[0]) for data in pictures])
    with torch.inference_mode():
        guesses = network(network.normalise(pixels)).argmax(1).tolist()

    assert [0] * 5 + [1] * 5 + [2] * 5 == guesses


def test_nothing_is_left_of_the_run_but_the_bundle(learned: Learned) -> None:
    assert ["labels", "model"] == sorted(path.name for path in learned.bundle.folder.parent.iterdir())


def test_the_same_seed_gives_the_same_weights(tmp_path: Path, backbone: str, learned: Learned) -> None:
    make_tree(tmp_path / "labels", tree())
    again = learn(settings(tmp_path, backbone))

    assert learned.bundle.manifest.weights_sha256 == again.bundle.manifest.weights_sha256
    other = learn(settings(tmp_path, backbone, "train.seed=1"))
    assert again.bundle.manifest.weights_sha256 != other.bundle.manifest.weights_sha256


def test_the_head_alone_keeps_the_backbone_as_it_is(tmp_path: Path, backbone: str) -> None:
    make_tree(tmp_path / "labels", tree())
    network = learn(settings(tmp_path, backbone, "train.recipe=head")).bundle.load_network()
    start = timm.create_model(backbone, pretrained=True)

    assert torch.equal(start.conv_stem.weight, network.body.conv_stem.weight)


def test_labels_that_cannot_be_read_are_told_and_left_out(tmp_path: Path, backbone: str) -> None:
    labels = tree()
    make_tree(tmp_path / "labels", labels | {"red": {**labels["red"], "page.jpg": b"<html>"}})  # type: ignore[dict-item]
    result = learn(settings(tmp_path, backbone, "train.recipe=head"))

    assert ["page.jpg"] == [label.path.name for label, _ in result.unreadable]
    assert 18 == result.bundle.manifest.measured["labels"]


def test_where_the_model_goes_is_checked_before_any_work(tmp_path: Path, backbone: str) -> None:
    make_tree(tmp_path, {"labels": tree(), "model": {"diary.txt": b"dear"}})
    progress = SavingProgress()
    with pytest.raises(ModelError, match="is no illsort bundle"):
        learn(settings(tmp_path, backbone), progress=progress)
    with pytest.raises(ModelError, match=r"model\.folder is not set"):
        learn(load(None, [f"labels.folder={tmp_path / 'labels'}"]), progress=progress)

    assert [] == progress.stages


def test_one_picture_in_two_categories_stops_before_training(tmp_path: Path, backbone: str) -> None:
    labels = tree()
    labels["green"]["twin.png"] = labels["red"]["red0.png"]  # type: ignore[index,call-overload]
    make_tree(tmp_path / "labels", labels)
    with pytest.raises(LabelsError, match="one picture in two categories"):
        learn(settings(tmp_path, backbone))

    assert ["labels"] == [path.name for path in tmp_path.iterdir()]
