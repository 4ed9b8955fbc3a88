"""Data parallelism within one process: copies of the network learn from parts of a batch, and one optimizer steps.

Parts go to the devices in turn from one thread, and backward runs on all of them at once. Gradients of parts add up to
those of the batch, since batch norm is frozen: the result is that of one device to rounding. Dropout draws other
numbers on each device, so that it depends on how many there are.
"""

# Shapes: B images, C channels, H height, W width, K categories.

from __future__ import annotations

import math
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Final

import torch

from classifier.inference.replicas import replicas

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from torch import Tensor

    from classifier.errors import Message
    from classifier.inference.device import Runtime
    from classifier.inference.replicas import Replica
    from classifier.model.backbone import Network

_APART: Final = 2**32
"""Between the seeds of two devices: more than there are epochs."""


class Replicas:
    """The network that is trained, and its copies; the first device has all that is kept.

    Batches of `most` images use no more devices than there are images.
    """

    def __init__(self, network: Network, runtime: Runtime, *, most: int, say: Callable[[Message], None]) -> None:
        shared = runtime if len(runtime.devices) <= most else replace(runtime, others=())
        self._first, *self._copies = self._all = list(replicas(network, shared, say=say))

    @property
    def networks(self) -> list[Network]:
        """The network and its copies."""
        return [replica.network for replica in self._all]

    @property
    def devices(self) -> list[torch.device]:
        """One for each network."""
        return [replica.runtime.device for replica in self._all]

    def share(self, count: int) -> int:
        """How many of `count` images a device gets."""
        return math.ceil(count / len(self._all))

    def train(self, seed: int) -> None:
        """Into training mode; dropout draws from `seed` on, on each device other numbers."""
        torch.manual_seed(seed)
        for number, device in enumerate(self.devices):
            if number and device.type == "cuda":
                torch.cuda.default_generators[device.index].manual_seed(seed + number * _APART)
        for network in self.networks:
            network.train()

    def backward(
        self,
        loss: Callable[[Replica[Network], Tensor, Tensor], Tensor],
        parts: Iterable[tuple[Tensor, Tensor]],
        scaler: torch.amp.GradScaler,
    ) -> Tensor:
        """The sum of `loss` over parts of a batch, pixels (B, C, H, W) and targets (B, K); leaves its gradients."""
        for network in self.networks:
            network.zero_grad(set_to_none=True)
        device = self.devices[0]
        total = torch.zeros((), device=device)
        for together in _rounds(parts, len(self._all)):
            losses = [loss(replica, *part) for replica, part in zip(self._all, together, strict=False)]
            torch.autograd.backward(scaler.scale(losses))  # one thread for each device
            for one in losses:
                total += one.detach().to(device, non_blocking=True)
        self._add_gradients()
        return total

    @torch.no_grad()
    def _add_gradients(self) -> None:
        for replica in self._copies:
            for ours, theirs in zip(self._first.network.parameters(), replica.network.parameters(), strict=True):
                if theirs.grad is not None:
                    moved = theirs.grad.to(ours.device, non_blocking=True)
                    ours.grad = moved if ours.grad is None else ours.grad.add_(moved)
                    theirs.grad = None

    @torch.no_grad()
    def copy_weights(self) -> None:
        """Give the copies what the optimizer made of the first; batch norm statistics are frozen."""
        weights: list[Tensor] = list(self._first.network.parameters())
        for replica in self._copies:
            copies: list[Tensor] = list(replica.network.parameters())
            torch._foreach_copy_(copies, weights, non_blocking=True)


def _rounds(parts: Iterable[tuple[Tensor, Tensor]], count: int) -> Iterator[tuple[tuple[Tensor, Tensor], ...]]:
    """`count` parts at a time."""
    left = iter(parts)
    while together := tuple(islice(left, count)):
        yield together
