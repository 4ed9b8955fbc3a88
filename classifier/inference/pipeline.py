"""Paths in, embeddings and logits out, or the failure of each that could not be read.

Must not know categories, folders, the catalog, or what the numbers will be used for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

from classifier.inference.loader import stream
from classifier.inference.reader import ReadError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from classifier.inference.device import Runtime
    from classifier.inference.limits import Limits
    from classifier.inference.path_array import PackedPaths
    from classifier.inference.reader import Reader
    from classifier.records import Failure, ImageFile, Picture, PictureId


class Network(Protocol):
    """A module in evaluation mode on the runtime's device, in steps; B pictures, D features, K classes, T traits."""

    def normalize(self, pixels: Tensor) -> Tensor:
        """uint8 (B, 3, H, W) to the floats that `embed` wants, on the same device."""

    def embed(self, images: Tensor) -> Tensor:
        """Normalized (B, 3, H, W) to (B, D)."""

    def describe(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """What `embed` gives, and traits (B, T); asked for only where traits are."""

    def classify(self, embeddings: Tensor) -> Tensor:
        """(B, D) to (B, K), before softmax."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inferred:
    """What the network says of one picture: `embedding` is float32 (D,), `logits` float32 (K,).

    `key` is the index of its path among those given; `file` is as it was opened, so it and `picture` belong together.
    `traits` is float32 (T,), None where it was not asked for.
    """

    key: int
    file: ImageFile
    picture: Picture
    embedding: NDArray[np.float32]
    logits: NDArray[np.float32]
    traits: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceFailure:
    """A picture that could not be read, as in `ReadError`, under its key."""

    key: int
    file: ImageFile | None
    id: PictureId | None
    failure: Failure


def infer(
    paths: Sequence[Path] | PackedPaths,
    network: Network,
    reader: Reader,
    runtime: Runtime,
    *,
    limits: Limits,
    traits: bool = False,
    start_method: str | None = None,
) -> Iterator[Inferred | InferenceFailure]:
    """One item for each path, in their order; see `loader.stream` for what a harmful file costs."""
    forward = _Forward(network, runtime, traits=traits)
    batches = stream(
        paths,
        reader,
        limits=limits,
        workers=runtime.workers,
        batch_size=runtime.batch_size,
        pin_memory=runtime.device.type == "cuda",
        start_method=start_method,
    )
    for batch in batches:
        rows = iter(zip(*(answers.numpy() for answers in forward(batch.pixels)), strict=True))
        for key, outcome in zip(batch.keys, batch.outcomes, strict=True):
            if isinstance(outcome, ReadError):
                yield InferenceFailure(key=key, file=outcome.file, id=outcome.id, failure=outcome.failure)
                continue
            # Copies, so that keeping one picture's answer does not keep its whole batch.
            embedding, scores, *shown = (row.copy() for row in next(rows))
            yield Inferred(
                key=key,
                file=outcome.file,
                picture=outcome.picture,
                embedding=embedding,
                logits=scores,
                traits=shown[0] if shown else None,
            )


class _Forward:
    """Runs the network on batches, in smaller parts once the GPU's memory has run out."""

    def __init__(self, network: Network, runtime: Runtime, *, traits: bool) -> None:
        self._network = network
        self._traits = traits
        self._runtime = runtime
        self._most = runtime.batch_size

    def __call__(self, pixels: Tensor) -> list[Tensor]:
        """uint8 (B, 3, H, W), B may be 0, to float32 (B, D), (B, K) and, where asked for, (B, T) on the CPU."""
        if len(pixels) == 0:
            return []
        done: list[list[Tensor]] = []
        at = 0
        while at < len(pixels):
            part = pixels[at : at + self._most]
            try:
                done.append(self._part(part))
            except torch.OutOfMemoryError:
                if len(part) == 1:
                    raise
                self._most = max(1, len(part) // 2)
            else:
                at += len(part)
                continue
            # Outside of `except`, whose traceback would keep the failed batch's tensors alive.
            if self._runtime.device.type == "cuda":
                torch.cuda.empty_cache()
        return [torch.cat(parts) for parts in zip(*done, strict=True)]

    @torch.inference_mode()
    def _part(self, pixels: Tensor) -> list[Tensor]:
        runtime = self._runtime
        there = pixels.to(runtime.device, non_blocking=True)
        images = self._network.normalize(there)
        if runtime.channels_last:
            images = images.contiguous(memory_format=torch.channels_last)
        answers = self._answer(images, amp=runtime.amp)
        if runtime.amp and not all(torch.isfinite(answer).all() for answer in answers[1:]):
            answers = self._answer(images, amp=False)  # float16 ends at 65,504, and some network passes that
        return [answer.float().cpu() for answer in answers]

    def _answer(self, images: Tensor, *, amp: bool) -> list[Tensor]:
        with torch.autocast(self._runtime.device.type, dtype=self._runtime.dtype, enabled=amp):
            if self._traits:
                embeddings, traits = self._network.describe(images)
                return [embeddings, self._network.classify(embeddings), traits]
            embeddings = self._network.embed(images)
            return [embeddings, self._network.classify(embeddings)]
