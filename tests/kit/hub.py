"""Folders as a model hub lays them out: `config.json` and weights of timm networks, random ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import timm
import torch
from safetensors.torch import save_file

from classifier.model.backbone import Network, save_network

_TAGS = 41


def tiny_backbone(folder: Path) -> Path:
    """A folder with a network that takes no time, of random weights and two outputs."""
    torch.manual_seed(0)
    folder.mkdir(parents=True)
    body = timm.create_model("test_efficientnet", pretrained=False, num_classes=2)
    save_network(Network(body, image_size=32), folder, label_names=["a", "b"], crop_mode="squash")
    return folder


def repository(
    folder: Path, architecture: str, *, size: int, config: dict[str, Any] | None = None, **model_args: Any
) -> str:
    """Write one as taggers are published, with a head of many tags; returns the backbone's name.

    `config` goes over timm's configuration of the weights, which says as little as a repository may.
    """
    torch.manual_seed(0)
    body = timm.create_model(architecture, num_classes=_TAGS, **model_args)
    for value in body.parameters():
        torch.nn.init.normal_(value, std=0.2)  # timm begins with zeros here and there, which hide differences
    folder.mkdir(parents=True)
    save_file({name: value.contiguous() for name, value in body.state_dict().items()}, folder / "model.safetensors")
    weights = {"input_size": [3, size, size], "fixed_input_size": False, "mean": [0.5] * 3, "std": [0.5] * 3}
    weights |= {"num_classes": _TAGS, "first_conv": None, "classifier": None, "crop_pct": 1.0} | (config or {})
    values = {"architecture": architecture, "num_classes": _TAGS, "pretrained_cfg": weights, "model_args": model_args}
    (folder / "config.json").write_text(json.dumps(values), encoding="utf-8")
    return f"local-dir:{folder}"
