"""A network that learned from BGR becomes one that takes RGB, with the same answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from torch import nn

from classifier.errors import ModelError
from classifier.model.backbone import Network, load_backbone, load_trained, save_network
from classifier.model.channels import fold_bgr
from kit.hub import repository

UNEVEN = {"mean": [0.2, 0.5, 0.7], "std": [0.1, 0.2, 0.4]}
FAMILIES: list[tuple[str, int, dict[str, Any]]] = [
    ("test_vit", 64, {"img_size": 64, "class_token": False, "global_pool": "avg"}),
    ("swinv2_tiny_window8_256", 64, {"img_size": 64, "window_size": 4, "depths": (1, 1, 1, 1)}),
    ("test_convnext", 64, {}),
    ("eva02_tiny_patch14_224", 56, {"img_size": 56, "depth": 2}),
]


def logits(network: Network, pixels: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        return network.eval()(network.normalize(pixels))


def pixels_of(size: int) -> torch.Tensor:
    return torch.randint(0, 256, (2, 3, size, size), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("architecture", "size", "arguments"), FAMILIES, ids=[name for name, _, _ in FAMILIES])
@pytest.mark.parametrize("config", [{}, UNEVEN], ids=["even", "uneven"])
def test_rgb_gives_the_answers_that_bgr_gave(
    tmp_path: Path, architecture: str, size: int, arguments: dict[str, Any], config: dict[str, Any]
) -> None:
    name = repository(tmp_path / "some", architecture, size=size, config=config, **arguments)
    network, pixels = load_backbone(name, num_categories=5), pixels_of(size)
    nn.init.normal_(network.head.weight)
    bgr, unfolded = logits(network, pixels.flip(1)), logits(network, pixels)
    fold_bgr(network)

    assert torch.allclose(bgr, logits(network, pixels), rtol=1e-4, atol=1e-4 * float(bgr.abs().max()))
    assert not torch.allclose(unfolded, bgr, rtol=1e-2, atol=1e-2 * float(bgr.abs().max()))


def test_a_saved_folded_network_is_a_plain_rgb_model_of_timm(tmp_path: Path) -> None:
    network = load_backbone(repository(tmp_path / "some", "test_convnext", size=64, config=UNEVEN), num_categories=3)
    unfolded = network.backbone_sha256()
    fold_bgr(network)
    (tmp_path / "saved").mkdir()
    save_network(network, tmp_path / "saved", label_names=["a", "b", "c"], crop_mode="squash")
    loaded, pixels = load_trained(tmp_path / "saved", image_size=64), pixels_of(64)
    plain = timm.create_model(f"local-dir:{tmp_path / 'saved'}", pretrained=True).eval()
    config = timm.data.resolve_model_data_config(plain)
    mean, std = (torch.tensor(config[name]).view(1, -1, 1, 1) for name in ("mean", "std"))

    assert (0.7, 0.5, 0.2) == tuple(config["mean"])
    assert torch.equal(logits(network, pixels), logits(loaded, pixels))
    with torch.inference_mode():
        assert torch.allclose(logits(network, pixels), plain((pixels / 255 - mean) / std), atol=1e-3)
    assert unfolded != network.backbone_sha256() == loaded.backbone_sha256()


class _Gray(nn.Module):
    """A network of one channel."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 4, 3)
        self.pretrained_cfg = {"architecture": "gray_net", "input_size": (3, 8, 8), "first_conv": "stem"}


class _Patches(nn.Module):
    """A network whose first layer is no convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Linear(48, 4)
        self.pretrained_cfg = {"architecture": "patch_net", "input_size": (3, 8, 8), "first_conv": None}


@pytest.mark.parametrize("body", [_Gray(), _Patches()])
def test_a_stem_that_takes_no_three_channels_is_one_error_line(body: nn.Module) -> None:
    with pytest.raises(ModelError, match="_net has no first convolution of three channels") as caught:
        fold_bgr(Network(body, image_size=8))
    assert 1 == len(str(caught.value).splitlines())
