"""Copies of a network on further devices of one kind: each computes a part of the work, from one thread.

Launching on a GPU returns at once, so that one thread keeps several busy; no process and no NCCL, which Windows lacks.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Generic, TypeVar, cast

import torch
from torch import nn

from classifier.errors import Message
from classifier.inference.memory import cap_memory, is_taken
from classifier.inference.placing import place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    from classifier.inference.device import Runtime

Net = TypeVar("Net")


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica(Generic[Net]):
    """A network, and how it runs on its device alone."""

    network: Net
    runtime: Runtime


def replicas(network: Net, runtime: Runtime, *, say: Callable[[Message], None]) -> Iterator[Replica[Net]]:
    """The network itself, placed on the first device, then a copy on each other one, made when it is asked for.

    A device that cannot take it, or whose memory other programs have, is left out, which one line says.
    """
    first, *others = runtime.each()
    yield Replica(network=network, runtime=first)
    for other in others:
        copied = _copy_or_why_not(network, first, other)
        if isinstance(copied, Message):
            say(Message("{device} is left out: {why}.", device=other.device, why=copied))
        else:
            yield Replica(network=copied, runtime=other)


def _copy_or_why_not(network: Net, first: Runtime, other: Runtime) -> Net | Message:
    try:
        if is_taken(other.device, beside=first.device):
            return Message("other programs have most of its memory")
        copied = _copy(network, other)
        if not _has_arrived(network, copied):
            return Message("what is copied between it and {first} arrives changed", first=first.device)
    except RuntimeError as error:  # whatever it is, the first goes on
        return Message((str(error).splitlines() or [type(error).__name__])[0])
    return copied


def _copy(network: Net, runtime: Runtime) -> Net:
    """The network on another device; the one that it is on holds no second copy meanwhile."""
    module = cast("nn.Module", network)
    if runtime.device.type == "cuda":
        cap_memory(runtime.device)
    tensors = chain(module.parameters(), module.buffers())
    copied = copy.deepcopy(module, {id(tensor): _moved(tensor, runtime) for tensor in tensors})
    return cast("Net", place(copied, runtime))


def _moved(tensor: Tensor, runtime: Runtime) -> Tensor:
    moved = tensor.detach().to(runtime.device, copy=True)
    return nn.Parameter(moved, requires_grad=tensor.requires_grad) if isinstance(tensor, nn.Parameter) else moved


def _has_arrived(network: Net, copied: Net) -> bool:
    """Whether weights come back as they were: from card to card, some machines' PCIe delivers something else."""
    ours, theirs = (cast("nn.Module", one).state_dict().values() for one in (network, copied))
    return all(torch.equal(one, other.to(one.device)) for one, other in zip(ours, theirs, strict=True))
