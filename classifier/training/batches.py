"""The batches of an epoch, augmented; with several processes, each has its part of every batch."""

# Shapes: B images, C channels, H height, W width, K categories.

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from classifier.training.augment import Augment
from classifier.training.dataset import iter_batches

if TYPE_CHECKING:
    from classifier.inference.device import Runtime
    from classifier.training.context import Hyperparameters
    from classifier.training.dataset import TrainingImages
    from classifier.training.processes import Processes


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """This process's part of a batch: pixels uint8 (B, C, H, W) and targets (B, K).

    `count` is the number of images in all parts, `divisor` what their losses are divided by.
    """

    pixels: Tensor
    targets: Tensor
    count: int
    divisor: float


def training_batches(
    train: TrainingImages, size: int, epoch: int, recipe: Hyperparameters, *, runtime: Runtime, processes: Processes
) -> Iterator[Batch]:
    """What the epoch shows, in views of `size`: the same number of batches in all processes."""
    augment = Augment(image_size=size, crop_min=recipe.crop_min, seed=recipe.seed)

    def view(index: int) -> Tensor | None:
        pixels = train[index]
        if pixels is None:
            return None
        strong = index >= train.labeled
        return augment(pixels, epoch=epoch, image_id=train.examples[index].image_id, strong=strong)

    order = train.order(epoch, seed=recipe.seed)
    batches = iter_batches(order, view, batch_size=recipe.batch_size, threads=runtime.workers, part=processes.part)
    for batch, pixels_BCHW in train.watch.reading(batches):
        count = processes.sum(len(batch))
        if count and batch:
            targets_BK = train.targets[batch].to(runtime.device)
            yield Batch(pixels=_for_device(pixels_BCHW, runtime), targets=targets_BK, count=count, divisor=count)
        elif count:
            yield _blank(train, size, runtime, count)


def _blank(train: TrainingImages, size: int, runtime: Runtime, count: int) -> Batch:
    """For a process without an image of the batch: of what it learns from it, nothing counts.

    It has gradients of the same parameters as the others, all of them 0.
    """
    return Batch(
        pixels=torch.zeros(1, 3, size, size, dtype=torch.uint8),
        targets=torch.zeros(1, train.targets.shape[1], device=runtime.device),
        count=count,
        divisor=math.inf,
    )


def _for_device(pixels_BCHW: Tensor, runtime: Runtime) -> Tensor:
    """The same where the device can fetch it while it computes."""
    return pixels_BCHW.pin_memory() if runtime.device.type == "cuda" else pixels_BCHW
