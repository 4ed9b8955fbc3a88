"""Decodes images in workers and runs the network on them: embeddings and logits, or a failure each."""

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
    from classifier.inference.loader import PackedPaths
    from classifier.inference.reader import Limits, Reader
    from classifier.records import Failure, ImageFile, ImageId, ImageInfo


class Network(Protocol):
    """A module in evaluation mode on the runtime's device; B images, D features, K classes, T statistics."""

    def normalize(self, pixels: Tensor) -> Tensor:
        """uint8 (B, 3, H, W) to the floats that `embed` takes, on the same device."""

    def embed(self, images: Tensor) -> Tensor:
        """Normalized (B, 3, H, W) to (B, D)."""

    def embed_with_stats(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """What `embed` gives, and statistics (B, T); called only if statistics are requested."""

    def classify(self, embeddings: Tensor) -> Tensor:
        """(B, D) to (B, K), before softmax."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inferred:
    """The network's output for one image: `embedding` is float32 (D,), `logits` float32 (K,).

    `key` is the index of its path; `file` is as it was opened, so it belongs to `image`. `stats` is float32 (T,),
    None unless requested.
    """

    key: int
    file: ImageFile
    image: ImageInfo
    embedding: NDArray[np.float32]
    logits: NDArray[np.float32]
    stats: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceFailure:
    """An image that could not be read, as in `ReadError`, with its key."""

    key: int
    file: ImageFile | None
    id: ImageId | None
    failure: Failure


def infer(
    paths: Sequence[Path] | PackedPaths,
    network: Network,
    reader: Reader,
    runtime: Runtime,
    *,
    limits: Limits,
    stats: bool = False,
    start_method: str | None = None,
) -> Iterator[Inferred | InferenceFailure]:
    """One result for each path, in their order; see `loader.stream` for what a harmful file costs."""
    forward = _Forward(network, runtime, stats=stats)
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
        rows = iter(zip(*(outputs.numpy() for outputs in forward(batch.pixels)), strict=True))
        for key, result in zip(batch.keys, batch.results, strict=True):
            if isinstance(result, ReadError):
                yield InferenceFailure(key=key, file=result.file, id=result.id, failure=result.failure)
                continue
            # Copies, so that keeping one image's output does not keep its whole batch.
            embedding, logits, *described = (row.copy() for row in next(rows))
            yield Inferred(
                key=key,
                file=result.file,
                image=result.image,
                embedding=embedding,
                logits=logits,
                stats=described[0] if described else None,
            )


class _Forward:
    """Runs the network on batches, in smaller parts after the GPU's memory ran out."""

    def __init__(self, network: Network, runtime: Runtime, *, stats: bool) -> None:
        self._network = network
        self._stats = stats
        self._runtime = runtime
        self._max_batch = runtime.batch_size

    def __call__(self, pixels: Tensor) -> list[Tensor]:
        """uint8 (B, 3, H, W), to float32 (B, D), (B, K) and, if requested, (B, T) on the CPU; empty if B is 0."""
        if len(pixels) == 0:
            return []
        done: list[list[Tensor]] = []
        at = 0
        while at < len(pixels):
            part = pixels[at : at + self._max_batch]
            try:
                done.append(self._part(part))
            except torch.OutOfMemoryError:
                if len(part) == 1:
                    raise
                self._max_batch = max(1, len(part) // 2)
            else:
                at += len(part)
                continue
            # Outside `except`, whose traceback would keep the failed batch's tensors alive.
            if self._runtime.device.type == "cuda":
                torch.cuda.empty_cache()
        return [torch.cat(parts) for parts in zip(*done, strict=True)]

    @torch.inference_mode()
    def _part(self, pixels: Tensor) -> list[Tensor]:
        runtime = self._runtime
        pixels = pixels.to(runtime.device, non_blocking=True)
        images = self._network.normalize(pixels)
        if runtime.channels_last:
            images = images.contiguous(memory_format=torch.channels_last)
        outputs = self._forward(images, amp=runtime.amp)
        if runtime.amp and not all(torch.isfinite(output).all() for output in outputs[1:]):
            outputs = self._forward(images, amp=False)  # float16 ends at 65,504, which some networks exceed
        return [output.float().cpu() for output in outputs]

    def _forward(self, images: Tensor, *, amp: bool) -> list[Tensor]:
        with torch.autocast(self._runtime.device.type, dtype=self._runtime.dtype, enabled=amp):
            if self._stats:
                embeddings, stats = self._network.embed_with_stats(images)
                return [embeddings, self._network.classify(embeddings), stats]
            embeddings = self._network.embed(images)
            return [embeddings, self._network.classify(embeddings)]
