"""The bundle: checked before use, a plain timm folder, an older one kept, nothing else replaced."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import timm
import torch

from classifier.errors import ModelError
from classifier.model.backbone import Network
from classifier.model.bundle import Bundle, BundleParts, open_bundle
from classifier.model.bundle_files import EVALUATION, OOD, read_json
from classifier.model.holdout import HoldoutMethod, HoldoutPredictions
from classifier.model.manifest import Manifest
from classifier.model.ood import OodDetector, fit_ood
from classifier.model.trained import load_network, save_bundle
from classifier.paths import from_text
from classifier.records import ImageId, Selection

MANIFEST = Manifest(
    categories=("cat", "狗"),
    image_size=64,
    max_squeeze=2.0,
    temperature=0.8,
    threshold=0.9,
    backbone="test",
    measured={"accuracy": 0.5},
    settings={},
    versions={"illsort": "0"},
)


def network(seed: int = 0) -> Network:
    torch.manual_seed(seed)
    return Network(timm.create_model("test_efficientnet", pretrained=False, num_classes=2), image_size=64).eval()


def saved(folder: Path, seed: int = 0) -> Bundle:
    return save_bundle(folder, network=network(seed), manifest=MANIFEST, evaluation={"accuracy": 0.5})


def test_what_is_saved_is_what_is_opened(tmp_path: Path) -> None:
    saved(tmp_path / "mine")
    opened = open_bundle(tmp_path / "mine")
    images = torch.randn(2, 3, 64, 64)

    written = {"weights_sha256", "backbone_sha256", "fitted_sha256", "files"}
    known = opened.manifest.model_dump(include=written) | {"head": network().head_names}
    assert MANIFEST.model_copy(update=known) == opened.manifest
    with torch.inference_mode():
        assert torch.equal(network()(images), load_network(opened)(images))


def test_a_bundle_keeps_names_that_are_not_utf_8(tmp_path: Path) -> None:
    found = {"mistakes": [{"path": Path("labels/\udce4.png"), "category": "狗"}]}
    manifest = MANIFEST.model_copy(update={"backbone": "local-dir:./\udc83A"})
    made = save_bundle(tmp_path / "\udc83A", network=network(), manifest=manifest, evaluation=found)
    (mistake,) = read_json(made.folder / EVALUATION)["mistakes"]

    assert ("labels/\\xe4.png", Path("labels/\udce4.png")) == (mistake["path"], from_text(mistake["path"]))
    assert "local-dir:./\\x83A" == open_bundle(made.folder).manifest.backbone
    assert "狗" in (made.folder / EVALUATION).read_text(encoding="utf-8")


def novelty() -> OodDetector:
    stats = np.random.default_rng(0).random((30, 5), np.float32)
    embeddings = np.random.default_rng(0).random((30, network().head.in_features), np.float32)
    return fit_ood(stats, embeddings, np.arange(30) % 2, np.arange(30))


def test_the_ood_detector_is_saved_and_older_bundles_have_none(tmp_path: Path) -> None:
    before = saved(tmp_path / "before")
    now = save_bundle(
        tmp_path / "now", network=network(), manifest=MANIFEST, evaluation={}, parts=BundleParts(ood=novelty())
    )
    read = now.load_ood()

    assert before.load_ood() is None
    assert read is not None
    assert np.array_equal(novelty().scores, read.scores)
    assert before.manifest.key != now.manifest.key


def test_a_foreign_or_missing_ood_detector_is_refused(tmp_path: Path) -> None:
    bundle = save_bundle(
        tmp_path / "mine", network=network(), manifest=MANIFEST, evaluation={}, parts=BundleParts(ood=novelty())
    )
    (bundle.folder / OOD).write_bytes(b"x")
    with pytest.raises(ModelError, match="is not the file this bundle was written with"):
        bundle.load_ood()
    (bundle.folder / OOD).unlink()
    with pytest.raises(ModelError, match="cannot be read"):
        bundle.load_ood()


def test_timm_alone_loads_it_and_gives_the_same_logits(tmp_path: Path) -> None:
    bundle = saved(tmp_path / "mine")
    plain = timm.create_model(f"local-dir:{bundle.folder}", pretrained=True).eval()
    images = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(network()(images), plain(images))
    assert ["cat", "狗"] == json.loads((bundle.folder / "config.json").read_text("utf-8"))["label_names"]


def test_training_again_keeps_the_older_bundle(tmp_path: Path) -> None:
    first = saved(tmp_path / "mine", seed=1)
    second = saved(tmp_path / "mine", seed=2)
    third = saved(tmp_path / "mine", seed=3)

    assert ["mine", "mine.previous"] == sorted(path.name for path in tmp_path.iterdir())
    assert second.manifest == open_bundle(tmp_path / "mine.previous").manifest
    assert 3 == len({bundle.manifest.key for bundle in (first, second, third)})


def test_a_folder_that_is_something_else_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "diary.txt").write_text("dear diary")
    with pytest.raises(ModelError, match="is no illsort bundle; choose another folder"):
        saved(tmp_path / "mine")

    assert ["diary.txt"] == [path.name for path in (tmp_path / "mine").iterdir()]


def test_the_prediction_key_depends_on_weights_and_transform(tmp_path: Path) -> None:
    manifest = saved(tmp_path / "mine").manifest

    assert manifest.key == manifest.model_copy(update={"temperature": 2.0, "threshold": 0.5}).key
    assert manifest.key != manifest.model_copy(update={"image_size": 96}).key
    assert manifest.key != manifest.model_copy(update={"weights_sha256": "0" * 64}).key


def change(folder: Path, name: str, **values: object) -> None:
    path = folder / name
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | values), encoding="utf-8")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda folder: (folder / "illsort.json").unlink(), "is no illsort bundle, illsort.json is missing"),
        (lambda folder: (folder / "config.json").unlink(), "config.json is missing"),
        (lambda folder: (folder / "model.safetensors").unlink(), "cannot be read"),
        (lambda folder: (folder / "illsort.json").write_text("{"), "cannot be read"),
        (lambda folder: (folder / "illsort.json").write_text("[]"), "is no JSON object"),
        (lambda folder: change(folder, "illsort.json", format=99), "its format is 99"),
        (lambda folder: change(folder, "illsort.json", temperature=-1), "temperature"),
        (lambda folder: change(folder, "illsort.json", surprise=1), "surprise"),
        (lambda folder: change(folder, "config.json", label_names=["cat", "dog"]), "different categories"),
        (
            lambda folder: (folder / "model.safetensors").write_bytes(b"x"),
            "is not the file this bundle was written with",
        ),
    ],
)
def test_a_damaged_bundle_is_refused_before_the_network_is_built(
    tmp_path: Path, spoil: Callable[[Path], object], says: str
) -> None:
    saved(tmp_path / "mine")
    spoil(tmp_path / "mine")
    with pytest.raises(ModelError) as caught:
        open_bundle(tmp_path / "mine")
    assert says in str(caught.value)
    assert str(tmp_path / "mine") in str(caught.value)
    assert 1 == len(str(caught.value).splitlines())


def test_the_card_says_how_to_load_it(tmp_path: Path) -> None:
    card = (saved(tmp_path / "mine").folder / "README.md").read_text("utf-8")

    assert card.startswith("---\nlibrary_name: timm\n")
    assert "cat, 狗" in card
    assert "| accuracy | 0.500 |" in card


def evidence(categories: int = 2) -> HoldoutPredictions:
    return HoldoutPredictions(
        logits=np.eye(3, categories, dtype=np.float32),
        targets=np.array([0, 1, 0]),
        groups=np.array([0, 1, 1]),
        image_ids=tuple(ImageId(letter * 64) for letter in "abc"),
        paths=("cat/a.jpg", "狗/b.jpg", "cat/c.jpg"),
        method=HoldoutMethod(1),
        selections=(Selection.RANDOM, Selection.PERSON, Selection.GRID),
    )


def test_the_evidence_goes_with_the_bundle(tmp_path: Path) -> None:
    bundle = save_bundle(
        tmp_path / "mine", network=network(), manifest=MANIFEST, evaluation={}, parts=BundleParts(holdout=evidence())
    )
    read = bundle.load_holdout()

    assert read is not None
    assert evidence().logits.tolist() == read.logits.tolist()
    assert (evidence().image_ids, evidence().paths, HoldoutMethod(1)) == (read.image_ids, read.paths, read.method)


def test_an_older_bundle_has_no_holdout_predictions(tmp_path: Path) -> None:
    assert saved(tmp_path / "mine").load_holdout() is None


def test_evidence_of_other_categories_is_refused(tmp_path: Path) -> None:
    bundle = saved(tmp_path / "mine")
    evidence(categories=3).save(bundle.folder / "evidence.npz")
    with pytest.raises(ModelError, match="do not fit 3 pictures and 2 categories"):
        bundle.load_holdout()


def test_holdout_predictions_of_another_bundle_are_refused(tmp_path: Path) -> None:
    bundle = save_bundle(
        tmp_path / "mine", network=network(), manifest=MANIFEST, evaluation={}, parts=BundleParts(holdout=evidence())
    )
    dataclasses.replace(evidence(), targets=np.array([0, 0, 0])).save(bundle.folder / "evidence.npz")
    with pytest.raises(ModelError, match=r"evidence\.npz: is not the file this bundle was written with"):
        bundle.load_holdout()


def test_missing_holdout_predictions_are_reported(tmp_path: Path) -> None:
    bundle = save_bundle(
        tmp_path / "mine", network=network(), manifest=MANIFEST, evaluation={}, parts=BundleParts(holdout=evidence())
    )
    (bundle.folder / "evidence.npz").unlink()
    with pytest.raises(ModelError, match=r"evidence\.npz: cannot be read"):
        bundle.load_holdout()
