"""A tagger's own head proposes names: what is likely in a cluster and not everywhere, characters first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from classifier.errors import ModelError
from classifier.model.head import LinearHead
from classifier.model.start import load_start
from classifier.model.tags import Tags, load_tags, read_tags
from classifier.setting_sections import ModelSettings
from classifier.settings import Settings
from kit.hub import repository
from kit.progress import SavingProgress

TAGS = "selected_tags.csv"
LIST = (
    "tag_id,name,category,count\n1,general,9,5\n2,1girl,0,5\n3,simple_background,0,5\n4,hatsune_miku,4,5\n5,a/b,0,5\n"
)
WD = {"img_size": 64, "class_token": False, "global_pool": "avg", "fc_norm": False}


def head(count: int = 5) -> LinearHead:
    """Each number of an embedding is the logit of one tag."""
    return LinearHead(weight=np.eye(count, dtype=np.float32), bias=np.zeros(count, dtype=np.float32))


@pytest.fixture
def tags(tmp_path: Path) -> Tags:
    (tmp_path / TAGS).write_text(LIST, encoding="utf-8")
    found = read_tags(tmp_path / TAGS, head())
    assert found is not None
    return found


def test_a_cluster_is_called_by_what_tells_it_from_the_others(tags: Tags) -> None:
    drawn = np.array([[9, 9, 9, 9, 9], [9, 9, 9, 9, 9], [9, 9, -9, -9, -9], [9, 9, -9, -9, -9]], dtype=np.float32)

    assert {0: ["hatsune miku", "simple background"]} == tags.cluster_names(drawn, np.array([0, 0, 1, 1]))


def test_probabilities_are_those_of_each_tag_alone(tags: Tags) -> None:
    found = tags.probabilities(np.array([[0, 1000, -1000, 2, -2]], dtype=np.float32))

    assert np.allclose([[0.5, 1, 0, 0.880797, 0.119203]], found)


def test_a_picture_has_one_rating_and_any_tags() -> None:
    """A character holds from 0.85 on, any other tag from 0.35."""
    tags = Tags(names=("safe", "bad", "miku", "hat"), categories=("9", "9", "4", "0"), head=head(4))
    drawn = np.array([[1, -9, 1.8, -0.5], [-8, -2, 1.7, -0.7], [0, 0, 9, 9]], dtype=np.float32)

    assert (("safe", "bad"), ("miku",), ("hat",)) == (tags.ratings, tags.characters, tags.others)
    assert [True, False, True] == tags.holds(drawn, rating="safe").tolist()
    assert [False, True, False] == tags.holds(drawn, rating="bad").tolist()
    assert [True, False, True] == tags.holds(drawn, tag="miku").tolist()
    assert [True, False, True] == tags.holds(drawn, tag="hat").tolist()
    assert [False, False, False] == tags.holds(drawn, rating="bad", tag="hat").tolist()


@pytest.mark.parametrize("scale", [1, 1e6])
def test_tags_are_read_back_as_they_were_written(tags: Tags, tmp_path: Path, scale: float) -> None:
    large = Tags(names=tags.names, categories=tags.categories, head=replace(tags.head, weight=scale * tags.head.weight))
    large.save(tmp_path / "tags")
    found = load_tags(tmp_path / "tags")

    assert (large.names, large.categories) == (found.names, found.categories)
    assert np.array_equal(large.head.weight, found.head.weight)


def test_a_damaged_file_of_tags_is_one_line(tags: Tags, tmp_path: Path) -> None:
    replace(tags, names=tags.names[:-1]).save(tmp_path / "short")
    save_file({"weight": tags.head.weight, "bias": tags.head.bias}, tmp_path / "bare")
    (tmp_path / "none").write_bytes(b"x")

    for name in ("short", "bare", "none"):
        with pytest.raises(ModelError, match=name):
            load_tags(tmp_path / name)


def test_a_name_that_is_listed_twice_is_proposed_once(tmp_path: Path) -> None:
    (tmp_path / TAGS).write_text("name,category\nx_y,0\nx y,0\nx_y,0\nz,0\n", encoding="utf-8-sig")
    tags = read_tags(tmp_path / TAGS, head(4))
    assert tags is not None

    drawn = np.array([[9, 9, 9, 9], [-9, -9, -9, -9]], dtype=np.float32)
    assert {0: ["x y", "z"]} == tags.cluster_names(drawn, np.array([0, 1]))


_SHORT = LIST.replace("5,a/b,0,5", "5")


@pytest.mark.parametrize("text", ["", "name\nx\n", LIST + "6,more,0,1\n", "\0", _SHORT])
def test_a_list_of_another_head_proposes_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / TAGS).write_text(text, encoding="utf-8")

    assert read_tags(tmp_path / TAGS, head()) is None
    assert read_tags(tmp_path / "none.csv", head()) is None


def test_a_tagger_in_a_folder_keeps_its_own_head_for_its_tags(tmp_path: Path) -> None:
    backbone = repository(tmp_path / "wd-vit-tagger-v3", "test_vit", size=64, **WD)
    more = "".join(f"{number},tag_{number},0,1\n" for number in range(6, 42))
    (tmp_path / "wd-vit-tagger-v3" / TAGS).write_text(LIST + more, encoding="utf-8")
    settings = Settings(model=ModelSettings(backbone=backbone, image_size=64))
    own = load_start(settings, num_categories=None, progress=SavingProgress())
    fresh = load_start(settings, num_categories=3, progress=SavingProgress())

    assert own.tags is not None
    assert "hatsune_miku" in own.tags.names
    assert own.network.head.out_features == len(own.tags.names)
    assert 3 == fresh.network.head.out_features
    assert own.network.backbone_sha256() == fresh.network.backbone_sha256()


@pytest.mark.parametrize(
    ("architecture", "model_args"), [("test_vit", WD), ("test_convnext", {}), ("test_efficientnet", {})]
)
def test_with_another_head_the_tags_still_hold_for_the_embeddings(
    tmp_path: Path, architecture: str, model_args: dict[str, Any]
) -> None:
    backbone = repository(tmp_path / "wd-vit-tagger-v3", architecture, size=64, **model_args)
    rows = "".join(f"tag_{number},0\n" for number in range(41))
    (tmp_path / "wd-vit-tagger-v3" / TAGS).write_text(f"name,category\n{rows}", encoding="utf-8")
    settings = Settings(model=ModelSettings(backbone=backbone, image_size=64))
    own = load_start(settings, num_categories=None, progress=SavingProgress()).network.eval()
    fresh = load_start(settings, num_categories=3, progress=SavingProgress())
    images = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        wanted, seen = own(images).numpy(), fresh.network.eval().embed(images).numpy()

    assert fresh.tags is not None
    assert np.allclose(wanted, fresh.tags.head(seen), rtol=1e-3, atol=1e-3 * np.abs(wanted).max())
