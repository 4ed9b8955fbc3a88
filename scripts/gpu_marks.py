"""Marks on the device's stream, from which scripts/bench_gpu.py knows what a batch's time went into."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from classifier.inference.copies import Copies, copies_from
from classifier.inference.device import Runtime
from classifier.inference.forward import Outputs, TorchEngine
from classifier.model.backbone import Network


@dataclass
class Marks:
    """Moments on the device's stream, each named after what ended there."""

    device: torch.device
    moments: list[tuple[str, Any]] = field(default_factory=list)

    def at(self, name: str) -> None:
        """Mark the moment."""
        moment: Any = time.perf_counter()
        if self.device.type == "cuda":
            moment = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
            moment.record()
        self.moments.append((name, moment))

    def seconds(self) -> dict[str, float]:
        """What was spent on each; the time before "begin" is idle."""
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        spent = dict.fromkeys(("copy", "forward", "read back"), 0.0)
        for (_, before), (name, after) in pairwise(self.moments):
            if name != "begin":
                spent[name] += before.elapsed_time(after) / 1000 if self.device.type == "cuda" else after - before
        return spent


class Marked:
    """A network, copies and an engine that mark what they do."""

    def __init__(self, network: Network, runtime: Runtime, marks: Marks) -> None:
        self._network, self._marks = network, marks
        self._copies: Copies = copies_from(runtime.device)
        self.ahead = self._copies.ahead
        self._engine = TorchEngine(self, runtime, stats=True, copies_of=lambda _: self)

    def launch(self, pixels: Tensor) -> Callable[[], Outputs]:
        """The engine's."""
        self._marks.at("begin")
        return self._engine.launch(pixels)

    def normalize(self, pixels: Tensor) -> Tensor:
        """The network's; the pixels are on the device."""
        self._marks.at("copy")
        return self._network.normalize(pixels)

    def embed(self, images: Tensor) -> Tensor:
        """The network's."""
        return self._network.embed(images)

    def embed_with_stats(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The network's."""
        return self._network.embed_with_stats(images)

    def classify(self, embeddings: Tensor) -> Tensor:
        """The network's last step."""
        logits = self._network.classify(embeddings)
        self._marks.at("forward")
        return logits

    def begin(self, outputs: Sequence[Tensor]) -> Callable[[], list[Tensor]]:
        """The copies'."""
        read = self._copies.begin(outputs)
        self._marks.at("read back")
        return read
