"""How to train, as plain values: what the settings say, without their file. Knows no data and no machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Hyperparameters:
    """The parameters of a training run; each default is the best of what was measured (docs/LOG.md).

    `recipe` `head` keeps the backbone as it is. `epochs` may be 0. `learning_rate` is the head's peak, and each layer
    below learns at `layer_decay` of the one above. `warmup_share`, `label_smoothing` and `crop_min` (of the area) are
    shares, `ema_decay` is a step's. `most_seconds` is for one fine-tuning, whose schedule then ends with it; 0 is no
    limit.
    """

    recipe: Literal["finetune", "head"] = "finetune"
    epochs: int = 16
    batch_size: int = 32
    learning_rate: float = 1e-3
    layer_decay: float = 0.8
    weight_decay: float = 0.05
    warmup_share: float = 0.1
    label_smoothing: float = 0.1
    ema_decay: float = 0.98
    crop_min: float = 0.35
    most_seconds: float = 0
    seed: int = 0
    image_size: int = 256
