"""Copies of a network on further devices of one kind: each computes a part of the work, from one thread.

Launching on a GPU returns at once, so that one thread keeps several busy; no process and no NCCL, which Windows lacks.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Generic, TypeVar, cast

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
        try:
            copied = None if is_taken(other.device, beside=first.device) else _copy(network, other)
        except RuntimeError as error:  # whatever it is, the others go on
            say(_left_out(other, (str(error).splitlines() or [type(error).__name__])[0]))
            continue
        if copied is None:
            say(_left_out(other, Message("other programs have most of its memory")))
        else:
            yield Replica(network=copied, runtime=other)


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


def _left_out(runtime: Runtime, why: str) -> Message:
    return Message("{device} is left out: {why}.", device=runtime.device, why=why)
