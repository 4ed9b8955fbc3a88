"""A model as a folder to publish: timm loads it as from the hub, and its card says what it rests on and no path."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
import yaml
from PIL import Image

from classifier.catalog.connection import open_catalog
from classifier.export.hub_folder import write_hub_folder
from classifier.images.decode import decode
from classifier.model.backbone import Network
from classifier.model.bundle import Bundle, BundleParts, open_bundle
from classifier.model.trained import load_network, save_bundle
from classifier.model.transforms import transform_of
from kit.bundles import CATEGORIES, color_bundle, color_evidence, color_labeled
from kit.commands import illsort
from kit.pictures import COLORS, encoded, varied

_COMMIT = "0" * 40


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return color_bundle(tmp_path_factory.mktemp("secret") / "colors", evidence=400, labeled=True)


@pytest.fixture(scope="module")
def folder(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    to = tmp_path_factory.mktemp("hub") / "published"
    ended = illsort("export", bundle.folder, "--hub", to)
    assert (0, True) == (ended.returncode, f"model exported: {to}" in ended.stdout)
    return to


def _from_hub(folder: Path, cache: Path) -> torch.nn.Module:
    """The folder loaded by its name on the hub, from a cache as the hub's client leaves it."""
    place = cache / "models--me--published"
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text(_COMMIT)
    (place / "snapshots" / _COMMIT).mkdir(parents=True)
    for file in folder.iterdir():
        (place / "snapshots" / _COMMIT / file.name).write_bytes(file.read_bytes())
    return timm.create_model("hf-hub:me/published", pretrained=True, cache_dir=cache).eval()


def test_timm_gives_the_same_logits_from_the_folder_and_the_hub(
    bundle: Bundle, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    network = load_network(bundle)
    pixels = torch.rand(4, 3, 32, 32, generator=torch.manual_seed(0))
    with torch.inference_mode():
        expected = network(pixels)
        for model in (timm.create_model(f"local-dir:{folder}", pretrained=True).eval(), _from_hub(folder, tmp_path)):
            assert torch.equal(expected, model(pixels))
            assert list(CATEGORIES) == model.pretrained_cfg["label_names"]
    assert {"README.md", "config.json", "model.safetensors"} == {path.name for path in folder.iterdir()}


def _difference(network: Network, bundle: Bundle, folder: Path, size: tuple[int, int]) -> float:
    """The largest between logits by timm's transform and by illsort's, as a share of the largest logit."""
    model = timm.create_model(f"local-dir:{folder}", pretrained=True).eval()
    by_timm = timm.data.create_transform(**timm.data.resolve_model_data_config(model))
    largest = 0.0
    for number, color in enumerate(COLORS.values()):
        picture = varied(color, seed=number).resize(size, Image.Resampling.BICUBIC)
        opened = decode(encoded(picture, "PNG"), max_megapixels=10).image
        pixels = transform_of(bundle.manifest)(torch.from_numpy(np.array(opened)).permute(2, 0, 1))
        with torch.inference_mode():
            expected = network(network.normalize(pixels.unsqueeze(0)))
            found = model(by_timm(picture).unsqueeze(0))
        largest = max(largest, float((found - expected).abs().max() / expected.abs().max()))
    return largest


@pytest.mark.parametrize("size", [(32, 32), (90, 90), (120, 61), (70, 140)])
def test_timms_own_transform_gives_the_same_logits_but_for_rounding(
    bundle: Bundle, folder: Path, size: tuple[int, int]
) -> None:
    assert _difference(load_network(bundle), bundle, folder, size) < 0.01


def test_the_transforms_differ_for_long_pictures_as_the_card_says(bundle: Bundle, folder: Path) -> None:
    assert _difference(load_network(bundle), bundle, folder, (200, 40)) > 0.05
    assert "changes the aspect by at most 2 and pads what is longer with white" in (folder / "README.md").read_text()


def test_the_card_states_data_measures_and_guarantee(folder: Path) -> None:
    _, header, text = (folder / "README.md").read_text("utf-8").split("---\n", 2)
    values = yaml.safe_load(header)

    assert ("timm", "image-classification") == (values["library_name"], values["pipeline_tag"])
    assert "| blue | 40 |" in text
    assert "120 labeled pictures, 120 drawn at random." in text
    assert "labels to judge by (held out)" in text
    assert "- 10% wrong: guaranteed: at most 10% wrong among the filed, 95% confidence" in text
    assert "by 400 of them drawn by chance" in text


def test_the_card_names_the_license_and_start_that_are_public(bundle: Bundle, tmp_path: Path) -> None:
    def header(backbone: str, license_: str) -> dict[str, object]:
        measured = {"labels": 120, "held_out": 12, "accuracy": 0.9, "calibration_error": 0.03}
        update = {"backbone": backbone, "backbone_license": license_, "measured": measured, "novelty_sha256": ""}
        made = save_bundle(
            tmp_path / f"m{len(list(tmp_path.iterdir()))}",
            network=load_network(bundle),
            manifest=bundle.manifest.model_copy(update=update),
            evaluation={},
        )
        write_hub_folder(made, tmp_path / f"hub-{made.folder.name}", force=False)
        card = (tmp_path / f"hub-{made.folder.name}" / "README.md").read_text("utf-8")
        assert "holder" not in card
        assert "no guarantee: an older model without held-out predictions" in card
        values: dict[str, object] = yaml.safe_load(card.split("---\n")[1])
        return values

    tagger = header("hf-hub:SmilingWolf/wd-vit-tagger-v3", "apache-2.0")
    assert ("apache-2.0", "SmilingWolf/wd-vit-tagger-v3") == (tagger["license"], tagger["base_model"])
    other = header("local-dir:/home/holder/private", "DINOv3 license")
    assert ("other", "dinov3-license", None) == (other["license"], other["license_name"], other.get("base_model"))
    assert "license" not in header("hf-hub:a/b@main", "")
    (index,) = tagger["model-index"]  # type: ignore[misc, attr-defined]
    metrics = index["results"][0]["metrics"]
    assert {"accuracy": 0.9, "expected_calibration_error": 0.03} == {one["type"]: one["value"] for one in metrics}


def test_a_model_is_not_published_among_the_pictures_of_a_library(bundle: Bundle, tmp_path: Path) -> None:
    library = tmp_path / "sorted"
    open_catalog(library).close()
    (library / "red").mkdir()
    for folder in (library, library / "red", library / "red" / "new", library / "made"):
        refused = illsort("export", bundle.folder, "--hub", folder, "--force")
        assert (2, 1) == (refused.returncode, len(refused.stderr.splitlines()))
        assert f"lies in the library {library}, among your pictures" in refused.stderr

    assert ["red"] == [path.name for path in library.iterdir() if path.name != ".illsort"]


def test_nothing_that_is_published_names_a_file_of_the_author(bundle: Bundle, tmp_path: Path) -> None:
    network = load_network(bundle)
    mistake = {"path": "/home/holder/blue/photo.png", "category": "blue", "predicted": "red", "confidence": 0.9}
    made = save_bundle(
        tmp_path / "holder",
        network=network,
        manifest=bundle.manifest.model_copy(update={"settings": {"model": {"folder": "/home/holder"}}}),
        evaluation={"mistakes": [mistake]},
        parts=BundleParts(
            holdout=color_evidence(network, 20), labeled=color_labeled(np.zeros((120, network.head.in_features), "f4"))
        ),
    )
    write_hub_folder(made, tmp_path / "published", force=False)

    for file in (tmp_path / "published").iterdir():
        assert not [word for word in (b"holder", b"photo", bytes(tmp_path)) if word in file.read_bytes()]


def test_files_that_are_there_are_replaced_only_when_asked(bundle: Bundle, folder: Path, tmp_path: Path) -> None:
    (clone := tmp_path / "clone").mkdir()
    (clone / ".gitattributes").write_text("*.safetensors filter=lfs")
    (clone / "README.md").write_text("mine")

    refused = illsort("export", bundle.folder, "--hub", clone)
    assert (2, True) == (refused.returncode, "is there already; --force" in refused.stderr)
    assert {".gitattributes", "README.md"} == {path.name for path in clone.iterdir()}
    assert 0 == illsort("export", bundle.folder, "--hub", clone, "--force").returncode
    assert {".gitattributes", *(path.name for path in folder.iterdir())} == {path.name for path in clone.iterdir()}

    assert "is an illsort model itself" in illsort("export", bundle.folder, "--hub", bundle.folder, "--force").stderr
    assert "there is no folder" in illsort("export", bundle.folder, "--hub", tmp_path / "no" / "x").stderr
    assert "is a file" in illsort("export", bundle.folder, "--hub", clone / "README.md").stderr
    assert json.loads((open_bundle(bundle.folder).folder / "config.json").read_text("utf-8"))
