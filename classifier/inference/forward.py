"""Runs a network on batches: what an engine is, and the one that torch runs."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeAlias

import torch
from torch import Tensor

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from classifier.inference.device import Runtime
    from classifier.inference.loader import Batch

Outputs: TypeAlias = "list[NDArray[np.float32]]"
"""Embeddings (B, D), logits (B, K) and, if requested, statistics (B, T); no arrays for an empty batch."""


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


class Engine(Protocol):
    """Runs one network on batches, whatever computes it."""

    @property
    def ahead(self) -> int:
        """How many batches are launched before the first is read; 0 where launching computes nothing meanwhile."""

    def launch(self, pixels: Tensor) -> Callable[[], Outputs]:
        """Begin with uint8 (B, 3, H, W); what it returns waits for the result and gives it.

        Results are finite wherever float32 gives finite ones. They are read once, in the order of launching.
        """


def outputs_of(batches: Iterable[Batch], engine: Engine) -> Iterator[tuple[Batch, Outputs]]:
    """Each batch with what the engine gives for it, in their order; `engine.ahead` more are launched meanwhile."""
    launched: deque[tuple[Batch, Callable[[], Outputs]]] = deque()
    for batch in batches:
        launched.append((batch, engine.launch(batch.pixels)))
        if len(launched) > engine.ahead:
            first, read = launched.popleft()
            yield first, read()
    while launched:
        first, read = launched.popleft()
        yield first, read()


class TorchEngine:
    """Runs the network by torch, in smaller parts after the GPU's memory ran out."""

    ahead = 0

    def __init__(self, network: Network, runtime: Runtime, *, stats: bool) -> None:
        self._network = network
        self._stats = stats
        self._runtime = runtime
        self._max_batch = runtime.batch_size

    def launch(self, pixels: Tensor) -> Callable[[], Outputs]:
        """As `Engine` has it."""
        return partial(self._run, pixels)

    def _run(self, pixels: Tensor) -> Outputs:
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
        return [torch.cat(parts).numpy() for parts in zip(*done, strict=True)]

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
