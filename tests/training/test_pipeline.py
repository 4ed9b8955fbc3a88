"""Training from settings to bundle, with a tiny backbone from a local folder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import timm
import torch

from classifier.errors import CrawlError, LabelsError, ModelError
from classifier.images.hashing import hash_bytes
from classifier.inference.reader import load_pixels
from classifier.model.bundle import open_bundle
from classifier.model.bundle_files import EMBEDDINGS
from classifier.model.combined_head import fit_combined_head, logits_of
from classifier.model.holdout import HoldoutMethod
from classifier.model.labeled_embeddings import load_labeled_paths
from classifier.model.trained import load_network
from classifier.model.transforms import transform_of
from classifier.settings import Settings, load
from classifier.training.pipeline import TrainingResult, train_model
from kit.hub import repository
from kit.pictures import COLORS, encoded, varied
from kit.progress import SavingProgress
from kit.tree import Tree, make_tree, read_tree

KINDS = ("blue", "green", "red")


def tree(count: int = 6) -> Tree:
    return {
        kind: {f"{kind}{n}.png": encoded(varied(COLORS[kind], seed=97 * n + ord(kind[0])), "PNG") for n in range(count)}
        for kind in KINDS
    }


def settings(folder: Path, backbone: str, *overrides: str) -> Settings:
    fixed = (f"labels.folder={folder / 'labels'}", f"model.folder={folder / 'model'}", f"model.backbone={backbone}")
    small = (
        "train.recipe=finetune",
        "model.image_size=32",
        "train.epochs=2",
        "train.batch_size=4",
        "runtime.workers=0",
    )
    return load(None, [*fixed, *small, *overrides])


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory, backbone: str) -> TrainingResult:
    folder = tmp_path_factory.mktemp("learned")
    make_tree(folder / "labels", tree())
    return train_model(settings(folder, backbone))


def test_the_bundle_contains_the_trained_model(learned: TrainingResult) -> None:
    manifest = learned.bundle.manifest
    names = {path.name for path in learned.bundle.folder.iterdir()}

    assert KINDS == manifest.categories
    assert {
        "config.json",
        "model.safetensors",
        "illsort.json",
        "evaluation.json",
        "evidence.npz",
        "fitted.npz",
        "novelty.safetensors",
        "labelled.npz",
        "head.safetensors",
        "README.md",
    } == names
    assert (18, 18) == (manifest.measured["labels"], manifest.measured["held_out"])
    saved = (learned.bundle.folder / "evaluation.json").read_text("utf-8")
    assert json.loads(json.dumps(learned.evaluation)) == json.loads(saved)


def test_the_bundle_classifies_the_colors(learned: TrainingResult) -> None:
    network = load_network(learned.bundle)
    transform = transform_of(learned.bundle.manifest)
    pictures = [encoded(varied(COLORS[kind], seed=1000 + n), "PNG") for kind in KINDS for n in range(5)]
    pixels = torch.stack([transform(load_pixels(data, max_megapixels=1)[0]) for data in pictures])
    with torch.inference_mode():
        guesses = network(network.normalize(pixels)).argmax(1).tolist()

    assert [0] * 5 + [1] * 5 + [2] * 5 == guesses


def test_the_record_names_the_labels_from_the_root_on(
    tmp_path: Path, backbone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sort in another folder leaves them out of its crawl."""
    make_tree(tmp_path / "labels", tree())
    monkeypatch.chdir(tmp_path)
    recorded = train_model(settings(Path(), backbone, "train.recipe=head")).bundle.manifest.settings["labels"]

    assert (str(tmp_path / "labels"), None) == (recorded["folder"], recorded["csv"])


def test_nothing_is_left_of_the_run_but_the_bundle(learned: TrainingResult) -> None:
    assert ["labels", "model"] == sorted(path.name for path in learned.bundle.folder.parent.iterdir())


def test_the_same_seed_gives_the_same_weights(tmp_path: Path, backbone: str, learned: TrainingResult) -> None:
    make_tree(tmp_path / "labels", tree())
    again = train_model(settings(tmp_path, backbone))

    assert learned.bundle.manifest.weights_sha256 == again.bundle.manifest.weights_sha256
    other = train_model(settings(tmp_path, backbone, "train.seed=1"))
    assert again.bundle.manifest.temperature != other.bundle.manifest.temperature


def test_the_head_alone_keeps_the_backbone_as_it_is(tmp_path: Path, backbone: str) -> None:
    make_tree(tmp_path / "labels", tree())
    network = load_network(train_model(settings(tmp_path, backbone, "train.recipe=head")).bundle)
    start = timm.create_model(backbone, pretrained=True)

    assert torch.equal(start.conv_stem.weight, network.body.conv_stem.weight)


def test_the_bundle_of_a_known_repository_prepares_pictures_as_that_did(tmp_path: Path) -> None:
    """And so does a model that is trained from the bundle, whose weights are of RGB by then."""
    make_tree(tmp_path / "labels", tree())
    start = repository(tmp_path / "wd-vit-tagger-v3", "test_vit", size=32, img_size=32)
    progress = SavingProgress()
    first = train_model(settings(tmp_path, start, "train.recipe=head"), progress=progress).bundle
    (tmp_path / "kept").mkdir()
    named = first.folder.rename(tmp_path / "kept" / "wd-vit-tagger-v3")
    again = train_model(settings(tmp_path, f"local-dir:{named}", "train.recipe=head")).bundle
    plain = timm.create_model(start, pretrained=True).patch_embed.proj.weight

    for bundle in (open_bundle(named), again):
        assert (1.0, "apache-2.0") == (bundle.manifest.max_squeeze, bundle.manifest.backbone_license)
        assert "| license of the weights it started from | apache-2.0 |" in (bundle.folder / "README.md").read_text()
        assert torch.equal(plain.flip(1), load_network(bundle).body.patch_embed.proj.weight)
    assert first.manifest.backbone_key == again.manifest.backbone_key
    assert any("under the license apache-2.0" in one for one in progress.messages)


def test_every_label_is_evidence_for_how_often_the_model_is_right(learned: TrainingResult) -> None:
    evidence = learned.bundle.load_holdout()

    assert evidence is not None
    assert 18 == len(evidence) == len(set(evidence.image_ids)) == len(set(evidence.groups.tolist()))
    assert HoldoutMethod(3) == evidence.method
    assert learned.evaluation["accuracy"] == float((evidence.logits.argmax(axis=1) == evidence.targets).mean())


def test_the_head_can_be_fitted_again_from_what_the_bundle_keeps(learned: TrainingResult) -> None:
    kept = learned.bundle.load_labeled_embeddings()

    assert kept is not None
    assert kept.stats is not None
    assert [kind for kind in KINDS for _ in range(6)] == sorted(path.split("/")[-2] for path in kept.paths)
    again = fit_combined_head(kept.embeddings, kept.stats, kept.targets)
    answers = logits_of(learned.bundle.load_head(), kept.embeddings, kept.stats)
    assert np.allclose(answers, again(kept.embeddings, kept.stats), atol=0.05)


def test_an_image_unlike_all_labels_is_detected(learned: TrainingResult) -> None:
    novelty = learned.bundle.load_ood()

    assert novelty is not None
    assert (18, 18) == (len(novelty.points), len(novelty.scores))


def test_label_issues_and_the_learning_curve_are_reported(learned: TrainingResult) -> None:
    assert 18 == learned.evaluation["doubts"]["count"]
    assert "curve" in learned.evaluation


def test_a_wrong_label_is_listed_with_path_and_id(
    tmp_path: Path, backbone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = encoded(varied(COLORS["red"], seed=5000), "PNG")
    labels = tree(20)
    labels["blue"] = {**labels["blue"], "red.png": wrong}
    make_tree(tmp_path / "labels", labels)
    monkeypatch.chdir(tmp_path)
    learned = train_model(settings(Path(), backbone, "train.recipe=head"))
    doubt = learned.evaluation["doubts"]["labels"][0]

    assert ("blue", "red") == (doubt["category"], doubt["likely"])
    assert doubt["picture"] == hash_bytes(wrong)
    assert doubt["path"] == load_labeled_paths(learned.bundle.folder / EMBEDDINGS)[hash_bytes(wrong)]


def test_one_fold_holds_out_a_part_alone(tmp_path: Path, backbone: str) -> None:
    make_tree(tmp_path / "labels", tree())
    evidence = train_model(settings(tmp_path, backbone, "train.recipe=head", "train.folds=1")).bundle.load_holdout()

    assert evidence is not None
    assert (HoldoutMethod(1), 3) == (evidence.method, len(evidence))


def crawl_tree() -> Tree:
    """Colors that nobody labeled, a labeled image, a copy, and files that cannot be read."""
    wild = {f"{kind}{n}.png": encoded(varied(COLORS[kind], seed=5000 + n), "PNG") for kind in KINDS for n in range(9)}
    labeled: Tree = {"again.png": tree()["red"]["red0.png"]}  # type: ignore[index,call-overload]
    return {"wild": {**wild, "copy.png": wild["red0.png"], "page.jpg": b"<html>", "empty.png": b""}, **labeled}


def test_an_unlabeled_crawl_is_used_and_broken_files_skipped(tmp_path: Path, backbone: str) -> None:
    make_tree(tmp_path, {"labels": tree(), "crawl": crawl_tree()})
    progress = SavingProgress()
    plain = train_model(settings(tmp_path, backbone, "train.folds=2"))
    with_crawl = train_model(
        settings(tmp_path, backbone, "train.folds=2", f"train.unlabelled={tmp_path / 'crawl'}"), progress=progress
    )

    assert any("31 of its 31 pictures are looked at" in message for message in progress.messages)
    assert plain.evaluation["count"] == with_crawl.evaluation["count"] == 18
    assert 1.0 == with_crawl.evaluation["accuracy"]
    assert crawl_tree() == read_tree(tmp_path / "crawl")


def test_a_missing_crawl_is_one_error_line(tmp_path: Path, backbone: str) -> None:
    make_tree(tmp_path / "labels", tree())
    with pytest.raises(CrawlError, match=r"train\.unlabelled = .*cannot be listed"):
        train_model(settings(tmp_path, backbone, f"train.unlabelled={tmp_path / 'gone'}"))


def test_unreadable_labels_are_reported_and_left_out(tmp_path: Path, backbone: str) -> None:
    labels = tree()
    make_tree(tmp_path / "labels", labels | {"red": {**labels["red"], "page.jpg": b"<html>"}})  # type: ignore[dict-item]
    result = train_model(settings(tmp_path, backbone, "train.recipe=head"))

    assert ["page.jpg"] == [label.path.name for label, _ in result.unreadable]
    assert 18 == result.bundle.manifest.measured["labels"]


def test_where_the_model_goes_is_checked_before_any_work(tmp_path: Path, backbone: str) -> None:
    make_tree(tmp_path, {"labels": tree(), "model": {"diary.txt": b"dear"}})
    progress = SavingProgress()
    with pytest.raises(ModelError, match="is no illsort bundle"):
        train_model(settings(tmp_path, backbone), progress=progress)
    with pytest.raises(ModelError, match=r"model\.folder is not set"):
        train_model(load(None, [f"labels.folder={tmp_path / 'labels'}"]), progress=progress)
    make_tree(tmp_path, {"empty": {}, "empty.training": {"fine-tuning-1-of-3.pt": b"mine"}})
    with pytest.raises(ModelError, match=r"fine-tuning-1-of-3\.pt is not as illsort wrote it"):
        train_model(load(None, ["labels.folder=nowhere", f"model.folder={tmp_path / 'empty'}"]), progress=progress)

    assert [] == progress.stages


def test_one_picture_in_two_categories_stops_before_training(tmp_path: Path, backbone: str) -> None:
    labels = tree()
    labels["green"]["twin.png"] = labels["red"]["red0.png"]  # type: ignore[index,call-overload]
    make_tree(tmp_path / "labels", labels)
    with pytest.raises(LabelsError, match="one picture in two categories"):
        train_model(settings(tmp_path, backbone))

    assert ["labels"] == [path.name for path in tmp_path.iterdir()]
