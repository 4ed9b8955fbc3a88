"""What scripts/bench_gpu.py measures: networks, numbers of pictures, sizes of cards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import timm
import torch

from classifier.model.backbone import Network, load_backbone

CATEGORIES = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is measured."""

    networks: dict[str, Callable[[], Network]]
    trained: tuple[str, ...]
    pictures: int
    compared: int
    workers: tuple[int, ...]
    training_pictures: int
    training_batch: int
    cards_gib: tuple[int, ...]
    kills: int


def embedded() -> Network:
    """lite0 with its ImageNet weights and a random head."""
    return with_drawn_head(load_backbone("embedded", num_categories=CATEGORIES))


def drawn_weights(name: str, size: int, **arguments: Any) -> Callable[[], Network]:
    """A network of timm's with random weights."""

    def make() -> Network:
        torch.manual_seed(0)
        return with_drawn_head(Network(timm.create_model(name, num_classes=CATEGORIES, **arguments), image_size=size))

    return make


def with_drawn_head(network: Network) -> Network:
    """Logits that differ from picture to picture."""
    torch.manual_seed(1)
    torch.nn.init.normal_(network.head.weight)
    return network.eval()


LARGE = Plan(
    networks={
        "lite0": embedded,
        "vit_base 448": drawn_weights("vit_base_patch16_224", 448, img_size=448),
        "eva02_large 448": drawn_weights("eva02_large_patch14_448", 448),
    },
    trained=("vit_base 448", "eva02_large 448"),
    pictures=1024,
    compared=128,
    workers=(4, 8, 16),
    training_pictures=96,
    training_batch=32,
    cards_gib=(8, 12),
    kills=20,
)
QUICK = Plan(
    networks={"lite0": embedded, "test_vit 96": drawn_weights("test_vit", 96, img_size=96)},
    trained=("test_vit 96",),
    pictures=40,
    compared=24,
    workers=(1, 2),
    training_pictures=32,
    training_batch=8,
    cards_gib=(8,),
    kills=2,
)
