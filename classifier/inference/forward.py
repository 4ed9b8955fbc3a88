"""Runs a network on batches: what an engine is, and the one that torch runs."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import cycle
from typing import TYPE_CHECKING, Protocol, TypeAlias

import torch
from torch import Tensor

from classifier.errors import Message
from classifier.inference.copies import Copies, copies_from
from classifier.inference.device import has_bfloat16
from classifier.inference.memory import BackOff
from classifier.inference.replicas import Replica, replicas
from classifier.progress import Progress, SilentProgress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from classifier.inference.device import Runtime
    from classifier.inference.loader import Batch

Outputs: TypeAlias = "list[NDArray[np.float32]]"
"""Embeddings (B, D), logits (B, K) and, if requested, statistics (B, T); no arrays for an empty batch."""
Begun: TypeAlias = Callable[[], list[Tensor]]
"""Waits for the outputs of a part of a batch, and whether they are finite."""


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


def answers(network: Network, images: Tensor, *, stats: bool) -> list[Tensor]:
    """The network's outputs for normalized images, in the order of `Outputs`."""
    if stats:
        embeddings, described = network.embed_with_stats(images)
        return [embeddings, network.classify(embeddings), described]
    embeddings = network.embed(images)
    return [embeddings, network.classify(embeddings)]


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
    """Runs the network by torch: in smaller parts after the memory ran out, in a wider dtype after numbers did.

    Batches go to the devices of the runtime in turn. All go on in smaller parts and in the wider dtype together, so
    that no result depends on which one computed it. A copy of the network is made when its first batch comes.
    """

    def __init__(
        self,
        network: Network,
        runtime: Runtime,
        *,
        stats: bool,
        progress: Progress | None = None,
        copies_of: Callable[[torch.device], Copies] = copies_from,
    ) -> None:
        self._runtime = runtime
        self._stats = stats
        self._progress = progress or SilentProgress()
        self._copies_of = copies_of
        self._in_turn = cycle(replicas(network, runtime, say=self._progress.say))
        self._back_off = BackOff(runtime.device, most=runtime.batch_size, say=self._progress.say)
        self._dtype = runtime.dtype

    @property
    def ahead(self) -> int:
        """As `Engine` has it: each device has as many as if it were the only one."""
        ahead = self._copies_of(self._runtime.device).ahead
        return (ahead + 1) * len(self._runtime.devices) - 1 if ahead else 0

    def launch(self, pixels: Tensor) -> Callable[[], Outputs]:
        """As `Engine` has it."""
        if len(pixels) == 0:
            return list
        begin = partial(self._begin, next(self._in_turn), pixels)
        return partial(self._read, begin, begin(self._dtype), self._dtype)

    def _read(self, begin: Callable[[torch.dtype], list[Begun]], begun: list[Begun], dtype: torch.dtype) -> Outputs:
        """What the batch gives; launched anew if another overflowed meanwhile, so that it does not depend on when."""
        if dtype is not self._dtype:
            begun, dtype = begin(self._dtype), self._dtype
        outputs, is_finite = _joined(begun)
        for wider in () if is_finite else self._wider_than(dtype):
            outputs, is_finite = _joined(begin(wider))
            if is_finite:
                self._dtype = wider
                self._progress.say(_overflows(dtype, wider))
                break
        return [output.numpy() for output in outputs]

    def _wider_than(self, dtype: torch.dtype) -> tuple[torch.dtype, ...]:
        """The dtypes for what overflows: float16 ends at 65,504, which some networks exceed."""
        is_narrow = dtype is torch.float16 and has_bfloat16(self._runtime.device)
        return () if dtype is torch.float32 else (torch.bfloat16, torch.float32)[not is_narrow :]

    def _begin(self, replica: Replica[Network], pixels: Tensor, dtype: torch.dtype) -> list[Begun]:
        run = partial(self._begin_part, replica, dtype)
        together = torch.split(pixels, self._runtime.images_at_once(pixels))
        return [begun for part in together for begun in self._back_off.in_parts(run, part)]

    @torch.inference_mode()
    def _begin_part(self, replica: Replica[Network], dtype: torch.dtype, pixels: Tensor) -> Begun:
        network, device = replica.network, replica.runtime.device
        images = network.normalize(pixels.to(device, non_blocking=True))
        if self._runtime.channels_last:
            images = images.contiguous(memory_format=torch.channels_last)
        with torch.autocast(device.type, dtype=dtype, enabled=dtype is not torch.float32):
            outputs = answers(network, images, stats=self._stats)
        # The check is copied along: asking now would wait for the device.
        finite = torch.stack([torch.isfinite(output).all() for output in outputs[1:]])
        return self._copies_of(device).begin([*(output.float() for output in outputs), finite])


def _joined(begun: list[Begun]) -> tuple[list[Tensor], bool]:
    """The outputs of all parts of a batch, and whether they are finite."""
    *outputs, finite = (torch.cat(parts) for parts in zip(*(read() for read in begun), strict=True))
    return outputs, bool(finite.all())


def _overflows(dtype: torch.dtype, wider: torch.dtype) -> Message:
    return Message(
        "Numbers {wider} from here on: what this network computes exceeds {dtype}.",
        wider=str(wider).removeprefix("torch."),
        dtype=str(dtype).removeprefix("torch."),
    )
