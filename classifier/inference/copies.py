"""How results leave the device: at once, or copied to pinned memory while the device goes on computing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

import torch
from torch import Tensor


class Copies(Protocol):
    """The way to the CPU."""

    @property
    def ahead(self) -> int:
        """How many batches may be launched before the first is read."""

    def begin(self, outputs: Sequence[Tensor]) -> Callable[[], list[Tensor]]:
        """Begin to copy outputs; what it returns waits for the copies and gives them."""


class DirectCopies:
    """Waits at once: the CPU computes nothing meanwhile, and MPS waits for all that was launched."""

    ahead = 0

    def begin(self, outputs: Sequence[Tensor]) -> Callable[[], list[Tensor]]:
        """As `Copies` has it."""
        return partial(list, [output.cpu() for output in outputs])


class PinnedCopies:
    """CUDA copies in its own time; an event says when it has."""

    ahead = 4
    """The next 256 images at 64 a batch: as many as are recorded and filed at a time, while the device goes on."""

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def begin(self, outputs: Sequence[Tensor]) -> Callable[[], list[Tensor]]:
        """As `Copies` has it."""
        copies = [
            torch.empty(output.shape, dtype=output.dtype, pin_memory=True).copy_(output, non_blocking=True)
            for output in outputs
        ]
        # Waiting for it leaves the core to those who decode.
        done = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
        done.record(torch.cuda.current_stream(self._device))
        return partial(_waited, done, copies)


def copies_from(device: torch.device) -> Copies:
    """The fastest way that is safe on the device."""
    return PinnedCopies(device) if device.type == "cuda" else DirectCopies()


def _waited(done: torch.cuda.Event, copies: list[Tensor]) -> list[Tensor]:
    done.synchronize()
    return copies
