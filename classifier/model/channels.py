"""Folds the order of the channels into a network's first layer: one that learned from BGR then takes RGB."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from classifier.errors import ModelError

if TYPE_CHECKING:
    from classifier.model.backbone import Network

_COLORS = 3


def fold_bgr(network: Network) -> None:
    """Turn the stem's weights around, so that RGB gives the answers that BGR gave; mean and deviation with them.

    All that is made of the network from here on, its hash, its bundle and its ONNX file, is of an RGB network. Raises
    ModelError when its stem does not take three channels as they are.
    """
    body = network.body
    with torch.no_grad():
        for stem in _stems(body):
            stem.weight.copy_(stem.weight.flip(1))
        for values in (network.mean, network.std):
            values.copy_(values.flip(1))
    config: dict[str, Any] = body.pretrained_cfg
    turned = {key: tuple(reversed(config[key])) for key in ("mean", "std") if config.get(key)}
    body.pretrained_cfg = body.default_cfg = config | turned


def _stems(body: Any) -> list[nn.Conv2d]:
    """The layers that see the image: those that timm's configuration names, or else the first convolution."""
    modules = dict(body.named_modules())
    named = body.pretrained_cfg.get("first_conv") or ()
    names = (named,) if isinstance(named, str) else tuple(named)
    found = [modules.get(name) for name in names] or [
        next((module for module in modules.values() if isinstance(module, nn.Conv2d)), None)
    ]
    stems = [stem for stem in found if isinstance(stem, nn.Conv2d) and stem.weight.shape[1] == _COLORS]
    if len(stems) < len(found):
        raise ModelError(
            "model.channels = bgr: {architecture} has no first convolution of three channels into which the order "
            "could be folded; take another model",
            architecture=body.pretrained_cfg.get("architecture", type(body).__name__),
        )
    return stems
