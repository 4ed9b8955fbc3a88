"""Labeled pictures of plain colors and a tiny random network, so that learning is over in a second."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import timm
import torch
from torch import Tensor

from classifier.images.hashing import hash_bytes
from classifier.inference.device import Runtime, choose_runtime
from classifier.model.backbone import Network
from classifier.records import Example, Label
from classifier.training.dataset import TrainingImages
from kit.pictures import COLORS, encoded, varied

CATEGORIES = ("blue", "green", "red")


def drawn_examples(folder: Path, *, first: int, count: int) -> tuple[Example, ...]:
    """`count` pictures of each of CATEGORIES, drawn into `folder`; those of other `first` numbers are others."""
    examples = []
    for category in CATEGORIES:
        for number in range(first, first + count):
            path = folder / category / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            data = encoded(varied(COLORS[category], seed=number), "PNG")
            path.write_bytes(data)
            label = Label(path=path, category=category)
            examples.append(Example(label=label, image_id=hash_bytes(data)))
    return tuple(examples)


def training_images(
    examples: tuple[Example, ...], prepare: Callable[[Tensor], Tensor], *, guesses: int = 0
) -> TrainingImages:
    """Images to learn from, each of its label's category alone; the last `guesses` are guessed."""
    targets = np.eye(len(CATEGORIES))[[CATEGORIES.index(example.label.category) for example in examples]]
    return TrainingImages(examples, targets, guesses=guesses, prepare=prepare, max_megapixels=1)


def tiny_network(name: str = "test_efficientnet", *, num_categories: int = len(CATEGORIES)) -> Network:
    """The same random weights each time."""
    torch.manual_seed(0)
    return Network(timm.create_model(name, pretrained=False, num_classes=num_categories), image_size=32)


def cpu(workers: int = 0, *, amp_dtype: str = "float32") -> Runtime:
    """The CPU, exact unless told otherwise."""
    return choose_runtime(device="cpu", amp_dtype=amp_dtype, workers=workers, batch_size=16)
