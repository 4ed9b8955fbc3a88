"""Reads labelled pictures as a sort reads a crawl: in worker processes, within the same limits.

Knows no network.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from PIL import Image

from classifier.inference.loader import stream
from classifier.inference.reader import Read, Reader
from classifier.labels.dataset import Result, looks_of
from classifier.records import Example, Label

if TYPE_CHECKING:
    from torch import Tensor

    from classifier.inference.limits import Limits

_BATCH: Final = 8
_HASH_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class PathsAsBytes:
    """What workers send back of a picture in place of pixels: its perceptual hash and thumbnail, 776 bytes."""

    def __call__(self, pixels: Tensor) -> Tensor:
        """uint8 (3, any, any) to uint8 (776,)."""
        phash, thumbnail = looks_of(Image.fromarray(pixels.permute(1, 2, 0).contiguous().numpy()))
        return torch.from_numpy(np.frombuffer(phash.to_bytes(_HASH_BYTES, "big") + thumbnail, np.uint8).copy())


def read_in_workers(
    labels: tuple[Label, ...], *, max_megapixels: float, limits: Limits, workers: int, reader: Reader | None = None
) -> Iterator[Result]:
    """What reading each label gives, in their order; with no workers there are no limits but those on size."""
    reader = reader or Reader(transform=PathsAsBytes(), max_megapixels=max_megapixels)
    paths = [label.path for label in labels]
    for batch in stream(paths, reader, limits=limits, workers=min(workers, len(paths)), batch_size=_BATCH):
        for key, outcome in zip(batch.keys, batch.outcomes, strict=True):
            if isinstance(outcome, Read):
                yield _example(labels[key], outcome)
            else:
                yield labels[key], outcome.failure


def _example(label: Label, read: Read) -> Example:
    looks = read.pixels.numpy().tobytes()
    phash, thumbnail = int.from_bytes(looks[:_HASH_BYTES], "big"), looks[_HASH_BYTES:]
    return Example(label=label, picture=read.picture.id, phash=phash, thumbnail=thumbnail)
