"""A model keeps the tags of the tagger that it was trained from, as long as they hold for its network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from classifier.model.bundle import Bundle, open_bundle
from classifier.model.bundle_files import TAGS
from classifier.model.head import fit_head
from classifier.model.replace_head import save_with_head
from classifier.settings import load
from classifier.training.pipeline import train_model
from kit.hub import repository
from kit.pictures import COLORS, encoded, varied
from kit.progress import SavingProgress
from kit.tree import make_tree

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.progress import Progress

WD = {"img_size": 64, "class_token": False, "global_pool": "avg", "fc_norm": False}


def trained(folder: Path, recipe: str, progress: Progress | None = None) -> Bundle:
    """A model of two colors on a tiny tagger with 41 tags."""
    backbone = f"local-dir:{folder / 'wd-vit-tagger-v3'}"
    if not (folder / "labels").exists():
        prepare(folder)
    given = {
        "labels.folder": folder / "labels",
        "model.folder": folder / "model",
        "model.backbone": backbone,
        "model.image_size": 64,
        "train.recipe": recipe,
        "train.folds": 1,
        "train.epochs": 1,
        "runtime.workers": 0,
    }
    return train_model(load(None, [f"{key}={value}" for key, value in given.items()]), progress=progress).bundle


def prepare(folder: Path) -> None:
    """The tagger and the labels."""
    repository(folder / "wd-vit-tagger-v3", "test_vit", size=64, **WD)
    rows = "".join(f"tag_{number},{9 if number < 4 else 0}\n" for number in range(41))
    (folder / "wd-vit-tagger-v3" / "selected_tags.csv").write_text(f"name,category\n{rows}", encoding="utf-8")
    kinds = {
        kind: {f"{n}.png": encoded(varied(COLORS[kind], seed=97 * n), "PNG") for n in range(4)}
        for kind in ("blue", "red")
    }
    make_tree(folder / "labels", kinds)


@pytest.fixture(scope="module")
def with_head(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return trained(tmp_path_factory.mktemp("head"), "head")


def test_a_head_on_a_tagger_keeps_its_tags(with_head: Bundle) -> None:
    tags = with_head.load_tags()

    assert tags is not None
    assert ("tag_0", "tag_1", "tag_2", "tag_3") == tags.ratings
    assert 37 == len(tags.others)


def test_another_head_keeps_the_tags_too(with_head: Bundle, tmp_path: Path) -> None:
    labeled = with_head.load_labeled_embeddings()
    assert labeled is not None
    categories, head = with_head.manifest.categories, with_head.load_head()
    refitted = save_with_head(
        tmp_path,
        of=with_head,
        categories=categories,
        last_layer=fit_head(labeled.embeddings, labeled.targets),
        head=head,
        labeled=labeled,
        holdout=None,
        ood=None,
        note="",
    )
    before, after = with_head.load_tags(), open_bundle(refitted.folder).load_tags()

    assert before is not None
    assert after is not None
    assert before.names == after.names
    assert np.array_equal(before.head.weight, after.head.weight)


def test_a_fine_tuned_tagger_has_no_tags_and_leaves_none_of_the_head_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("classifier.training.train.median_low", lambda _: 1)  # the epoch that is kept
    progress = SavingProgress()
    head, tuned = trained(tmp_path, "head"), trained(tmp_path, "finetune", progress)

    assert head.manifest.backbone_key != tuned.manifest.backbone_key
    assert tuned.load_tags() is None
    assert not (tuned.folder / TAGS).exists()
    assert 1 == sum("tags no longer hold" in line for line in progress.messages)
