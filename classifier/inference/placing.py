"""Moves a network to its device, in the layout that runs fastest there, and prepares torch for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import torch
from torch import nn

from classifier.inference.memory import cap_memory, one_line_when_full

if TYPE_CHECKING:
    from classifier.inference.device import Runtime

Module = TypeVar("Module", bound=nn.Module)


def place(network: Module, runtime: Runtime) -> Module:
    """The network on the runtime's device. Raises ModelError in one line when it does not fit there."""
    if runtime.device.type == "cuda":
        cap_memory(runtime.device)
        _prepare_cuda(is_exact=not runtime.amp)
    layout = torch.channels_last if runtime.channels_last else torch.preserve_format
    with one_line_when_full(runtime.device):
        return network.to(device=runtime.device, memory_format=layout)  # type: ignore[call-overload,no-any-return]


def _prepare_cuda(*, is_exact: bool) -> None:
    """The fastest algorithms for images that are all of one size; and TF32, unless numbers are to be exact.

    With autocast, float32 is what it leaves alone and what overflows float16; TF32 has as many digits as that. This is
    the older of torch's two ways to say so, which must not be mixed and of which torch 2.6 has no other.
    """
    torch.backends.cudnn.benchmark = True
    torch.set_float32_matmul_precision("highest" if is_exact else "high")
