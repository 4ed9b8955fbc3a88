"""Learns from a batch in parts when the device's memory does not take it whole; the result is the same to rounding."""

# Shapes: B images, C channels, H height, W width, K categories.

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from classifier.errors import Message, ModelError
from classifier.inference.memory import BackOff

if TYPE_CHECKING:
    from classifier.model.backbone import Network
    from classifier.training.data_parallel import Replicas

_FEW = 2
"""Parts so small hardly save more; what the network remembers between its layers does."""


class MicroBatches(BackOff):
    """How a batch of `most` is learned from: in halves of halves, and at last with gradient checkpointing.

    Gradients of parts add up to those of the batch: batch norm is frozen, so no image depends on another. What was
    found holds for all devices, and for later fine-tunings of the same network.
    """

    def __init__(self, device: torch.device, *, most: int, say: Callable[[Message], None]) -> None:
        super().__init__(device, most=most, say=say)
        self._networks: list[Network] = []
        self.is_checkpointing = False

    def learn(self, backward: Callable[[int], Tensor], replicas: Replicas, *, count: int) -> Tensor:
        """What `backward` returns for a batch of `count`, given the size of parts; called until it fits.

        Each try draws the same numbers for dropout.
        """
        self._networks = replicas.networks
        while True:
            size = min(self.size, replicas.share(count))
            drawn = [_random_state(device) for device in replicas.devices]
            loss = self.attempt(partial(backward, size), count=size)
            if loss is not None:
                self._networks = []  # no longer than needed
                return loss
            for device, state in zip(replicas.devices, drawn, strict=True):
                _set_random_state(device, state)

    def shrink(self, count: int, why: ModelError) -> None:
        """Half of `count`; before parts of one, gradient checkpointing with batches as large as at first."""
        if count // 2 < _FEW and not self.is_checkpointing and _checkpoint_gradients(self._networks):
            self.is_checkpointing = True
            self.size = self._said = self.most
            self._say(
                Message(
                    "Parts of the network are computed twice, which needs less memory and about a third more time "
                    "(gradient checkpointing)."
                )
            )
            return
        super().shrink(count, why)

    def note(self) -> Message:
        """That batches are learned from in parts."""
        return Message(
            "Batches of {most} are learned from {count} at a time: the memory of {device} takes no more. The result "
            "is the same.",
            most=self.most,
            count=self.size,
            device=self._device.type,
        )


def _checkpoint_gradients(networks: list[Network]) -> bool:
    """Have networks keep less between their layers, and compute it again for gradients; whether they can."""
    try:
        for network in networks:
            network.body.set_grad_checkpointing(True)
    except (AttributeError, AssertionError):  # how timm's networks say that they cannot
        return False
    return True


def _random_state(device: torch.device) -> tuple[Tensor, Tensor | None]:
    if device.type == "cpu":
        return torch.get_rng_state(), None
    return torch.get_rng_state(), torch.mps.get_rng_state() if device.type == "mps" else torch.cuda.get_rng_state(
        device
    )


def _set_random_state(device: torch.device, state: tuple[Tensor, Tensor | None]) -> None:
    torch.set_rng_state(state[0])
    if state[1] is not None and device.type == "mps":
        torch.mps.set_rng_state(state[1])
    elif state[1] is not None:
        torch.cuda.set_rng_state(state[1], device)
