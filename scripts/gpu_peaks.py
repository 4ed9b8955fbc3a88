"""How much memory training needs, computed without a GPU: `python scripts/bench_gpu.py --compute`.

Counted are the tensors that autograd keeps of a forward pass under bfloat16 autocast (fake tensors: nothing is
computed), by the difference of two pictures to one; and weights, gradients, Adam's two moments and the moving average
in float32, with the bfloat16 copies of the weights that autocast makes. Not counted: what the backward pass needs
besides, and, as the CPU's autocast is asked, float32 copies that CUDA's makes for a few more operators.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import timm
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode

GIB = 2**30
BATCH = 32
LEFT_FREE_GIB = 0.5
CONTEXT_GIB = 0.5
"""What CUDA and its libraries take outside of torch: an estimate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """Bytes: `fixed` whatever the batch, `plain` and `checkpointed` a picture."""

    parameters: int
    fixed: int
    plain: int
    checkpointed: int

    def parts(self, card_gib: float) -> str:
        """How many pictures at a time the back-off ends with on such a card."""
        room = (card_gib - LEFT_FREE_GIB - CONTEXT_GIB) * GIB - self.fixed
        sizes = [BATCH // 2**step for step in range(6)]
        for bytes_a_picture, note, tried in (
            (self.plain, "", sizes[:-1]),
            (self.checkpointed, ", checkpointed", sizes),
        ):
            for size in tried:
                if size * bytes_a_picture <= room:
                    return f"{size}{note}"
        return "does not fit"


class Kept:
    """Storages that autograd keeps, each counted once, by the block that is run."""

    def __init__(self, body: Any) -> None:
        self.bytes: dict[str, int] = {}
        self.inputs = 0
        self.block = ""
        self._seen = {_storage_of(parameter): parameter for parameter in body.parameters()}
        for number, block in enumerate(body.blocks):
            block.register_forward_pre_hook(self._entering(f"block {number}"))
            block.register_forward_hook(self._leaving)

    def pack(self, tensor: Tensor) -> Tensor:
        """Count what is kept for the backward pass."""
        storage = _storage_of(tensor)
        if storage not in self._seen:
            self._seen[storage] = tensor
            self.bytes[self.block] = self.bytes.get(self.block, 0) + tensor.untyped_storage().nbytes()
        return tensor

    def _entering(self, block: str) -> Callable[..., None]:
        def enter(_module: Any, args: tuple[Tensor, ...]) -> None:
            self.block = block
            self.inputs += args[0].nbytes

        return enter

    def _leaving(self, *_: Any) -> None:
        self.block = ""


def _storage_of(tensor: Tensor) -> int:
    """Fake tensors have no address; what is kept alive keeps its number."""
    return int(tensor.untyped_storage()._cdata)  # noqa: SLF001 - see above


def kept(name: str, count: int, *, size: int) -> tuple[int, int, int]:
    """Bytes kept for `count` pictures: all, all with gradient checkpointing, and the number of parameters."""
    with torch.device("meta"):
        body = timm.create_model(name, num_classes=30, img_size=size).train()
    with FakeTensorMode(allow_non_fake_inputs=True):
        body.to_empty(device="cpu")
        counted = Kept(body)
        images = torch.empty(count, 3, size, size)
        hooks = torch.autograd.graph.saved_tensors_hooks(counted.pack, lambda tensor: tensor)
        with hooks, torch.autocast("cpu", dtype=torch.bfloat16):
            body(images)
    blocks = [size for block, size in counted.bytes.items() if block]
    outside = counted.bytes.get("", 0)
    parameters = sum(parameter.numel() for parameter in body.parameters())
    return sum(counted.bytes.values()), outside + counted.inputs + max(blocks), parameters


def peak(name: str, size: int) -> Peak:
    """What training this network at so many pixels needs."""
    counted = [kept(name, count, size=size) for count in (1, 2)]
    (one, one_checkpointed, parameters), (two, two_checkpointed, _) = counted
    weights = 4 * parameters
    return Peak(
        parameters=parameters,
        fixed=5 * weights + weights // 2,
        plain=two - one,
        checkpointed=two_checkpointed - one_checkpointed,
    )


def rows() -> list[dict[str, Any]]:
    """A row for each network."""
    found = []
    for label, name, size in (
        ("vit_base at 448", "vit_base_patch16_224", 448),
        ("siglip2_base at 256", "vit_base_patch16_siglip_256", 256),
        ("eva02_large at 448", "eva02_large_patch14_448", 448),
    ):
        one = peak(name, size)
        found.append(
            {
                "network": label,
                "million parameters": round(one.parameters / 1e6, 1),
                "fixed GiB": round(one.fixed / GIB, 2),
                "activations, GiB a picture": round(one.plain / GIB, 3),
                "with checkpointing": round(one.checkpointed / GIB, 3),
                "pictures at a time on 8 GB": one.parts(8),
                "on 12 GB": one.parts(12),
            }
        )
    return found
