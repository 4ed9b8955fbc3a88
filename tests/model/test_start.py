"""Training starts from weights that are fed as they learned: what is set wins, then what is known of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from classifier.errors import ModelError
from classifier.model.backbone import load_backbone
from classifier.model.origin import known_repositories, origin_of
from classifier.model.start import Start, load_start
from classifier.setting_sections import ModelSettings
from classifier.settings import Settings
from kit.bundles import color_bundle
from kit.hub import repository
from kit.progress import SavingProgress

WD = {"img_size": 64, "class_token": False, "global_pool": "avg", "fc_norm": False}


def wd(folder: Path) -> str:
    """A copy of a tagger that learned from BGR, small and random."""
    return repository(folder, "test_vit", size=64, **WD)


def started(backbone: str, **values: Any) -> tuple[Start, list[str]]:
    progress = SavingProgress()
    model = ModelSettings.model_validate({"backbone": backbone, "image_size": 64} | values)
    return load_start(Settings(model=model), num_categories=3, progress=progress), progress.messages


def is_folded(start: Start, backbone: str) -> bool:
    unfolded = load_backbone(backbone, num_categories=3).body.patch_embed.proj.weight
    found = start.network.body.patch_embed.proj.weight
    assert torch.equal(found, unfolded) or torch.equal(found, unfolded.flip(1))
    return torch.equal(found, unfolded.flip(1))


@pytest.mark.parametrize("called", ["wd-vit-tagger-v3", "WD-ViT-Tagger-v3"])
def test_a_folder_named_as_a_known_repository_is_taken_for_it(tmp_path: Path, called: str) -> None:
    backbone = wd(tmp_path / called)
    start, said = started(backbone)

    assert is_folded(start, backbone)
    assert (1.0, "apache-2.0") == (start.transform.max_squeeze, start.license)
    assert f"{backbone} is taken for SmilingWolf/wd-vit-tagger-v3, by the folder's name." == said[0]
    assert "The weights of SmilingWolf/wd-vit-tagger-v3 are under the license apache-2.0." == said[1]


def test_a_repository_of_the_hub_is_loaded_from_its_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the hub's client leaves it on the disk; nothing is asked for over the network."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    cached, commit = tmp_path / "models--SmilingWolf--wd-vit-tagger-v3", "0" * 40
    folder = wd(cached / "snapshots" / commit)
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text(commit)
    start, said = started("hf-hub:SmilingWolf/wd-vit-tagger-v3", image_size=96)

    assert is_folded(start, folder)
    assert ["The weights of SmilingWolf/wd-vit-tagger-v3 are under the license apache-2.0."] == said
    assert False is start.network.model_args["class_token"]  # else its bundle could not be loaded
    assert 96 == start.network.model_args["img_size"]


def test_what_is_set_wins_over_what_is_known(tmp_path: Path) -> None:
    backbone = wd(tmp_path / "wd-vit-tagger-v3")
    start, _ = started(backbone, channels="rgb", max_squeeze=3)

    assert not is_folded(start, backbone)
    assert (3.0, 64) == (start.transform.max_squeeze, start.transform.image_size)


def test_an_unknown_folder_is_taken_by_its_own_config_and_a_line_says_so(tmp_path: Path) -> None:
    backbone = wd(tmp_path / "mine")
    start, said = started(backbone)

    assert not is_folded(start, backbone)
    assert (2.0, "") == (start.transform.max_squeeze, start.license)
    assert ["is not among the repositories that illsort knows" in one for one in said] == [True]


def test_an_unknown_folder_is_taken_as_bgr_where_that_is_set(tmp_path: Path) -> None:
    backbone = wd(tmp_path / "mine")
    start, said = started(backbone, channels="bgr", max_squeeze=1)

    assert is_folded(start, backbone)
    assert (1.0, []) == (start.transform.max_squeeze, said)


def test_a_model_of_illsort_is_never_folded_whatever_its_name(tmp_path: Path) -> None:
    """Its weights are of RGB since it was trained, and it is fed as it was trained."""
    bundle = color_bundle(tmp_path / "wd-vit-tagger-v3")
    origin = origin_of(ModelSettings(backbone=f"local-dir:{bundle.folder}"))

    assert ("rgb", bundle.manifest.max_squeeze, ()) == (origin.channels, origin.max_squeeze, origin.sentences)
    with pytest.raises(ModelError, match="is a model that illsort trained, which takes RGB"):
        origin_of(ModelSettings(backbone=f"local-dir:{bundle.folder}", channels="bgr"))


def test_another_size_than_the_published_one_can_be_asked_for(tmp_path: Path) -> None:
    start, _ = started(wd(tmp_path / "wd-vit-tagger-v3"), image_size=96)

    assert (1, 3) == tuple(start.network.eval()(torch.zeros(1, 3, 96, 96)).shape)


@pytest.mark.parametrize(
    ("backbone", "channels", "max_squeeze", "size", "license_id"),
    [
        ("embedded", "rgb", 2.0, 0, "apache-2.0"),
        ("hf-hub:SmilingWolf/wd-swinv2-tagger-v3", "bgr", 1.0, 448, "apache-2.0"),
        ("hf-hub:smilingwolf/WD-EVA02-large-tagger-v3@main", "bgr", 1.0, 448, "apache-2.0"),
        ("hf-hub:ashen-sensored/wd-eva02-tagger-2026-canary", "bgr", 1.0, 448, "apache-2.0"),
        ("vit_base_patch16_siglip_256.v2_webli", "rgb", 2.0, 0, "apache-2.0"),
        ("hf-hub:timm/vit_base_patch16_dinov3.lvd1689m", "rgb", 2.0, 0, "dinov3-license"),
        ("hf-hub:nobody/nothing", "rgb", 2.0, 0, ""),
    ],
)
def test_known_names_bring_their_preparation(
    backbone: str, channels: str, max_squeeze: float, size: int, license_id: str
) -> None:
    origin = origin_of(ModelSettings(backbone=backbone))

    assert (channels, max_squeeze) == (origin.channels, origin.max_squeeze)
    assert (size, license_id) == (origin.image_size, origin.license)


def test_a_gated_repository_says_what_to_do_before_it_is_asked_for() -> None:
    sentences = origin_of(ModelSettings(backbone="hf-hub:animetimm/caformer_b36.dbv4-full")).sentences

    assert ["hf auth login" in one for one in sentences] == [False, True]


def test_every_entry_of_the_table_has_a_license_and_a_plausible_size() -> None:
    for one in known_repositories().values():
        assert one.license, one.name
        assert one.channels in {"rgb", "bgr"}, one.name
        assert one.max_squeeze >= 1, one.name
        assert one.image_size in {0, 448}, one.name
