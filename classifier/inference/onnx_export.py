"""Exports a trained network to ONNX, in memory: pixels in; embeddings, logits and, if requested, statistics out.

With a combined head the logits are its own, computed inside the model.
"""

# Shapes: B images, H height, W width, D embedding width, T statistics, K categories.

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Final, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from classifier.inference.forward import answers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from classifier.model.backbone import Network
    from classifier.model.combined_head import CombinedHead, UnitScale

PIXELS: Final = "pixels"
_OUTPUTS: Final = ("embeddings", "logits", "statistics")
_EXAMPLES: Final = 2  # torch takes a batch of 1 for one that never changes


class _Answers(nn.Module):
    """What an engine gives for pixels, in its order."""

    def __init__(self, network: Network, *, stats: bool, head: CombinedHead | None) -> None:
        super().__init__()
        self._network = network
        self._stats = stats
        self._combined = None if head is None else _Combined(head)

    def forward(self, pixels_BCHW: Tensor) -> tuple[Tensor, ...]:
        outputs = answers(
            self._network, self._network.normalize(pixels_BCHW), stats=self._stats or bool(self._combined)
        )
        if self._combined is not None:
            outputs[1] = self._combined(outputs[0], outputs[2])
        return tuple(outputs[: 2 + self._stats])


class _Combined(nn.Module):
    """A `CombinedHead` in torch."""

    def __init__(self, head: CombinedHead) -> None:
        super().__init__()
        self._scales = nn.ModuleList(_UnitScale(scale) for scale in (head.embedding, head.stats))
        self._stats_length = head.stats_length
        self._linear = nn.Linear(*reversed(head.linear.weight.shape))
        with torch.no_grad():
            self._linear.weight.copy_(torch.from_numpy(head.linear.weight))
            self._linear.bias.copy_(torch.from_numpy(head.linear.bias))

    def forward(self, embeddings_BD: Tensor, stats_BT: Tensor) -> Tensor:
        embeddings, stats = self._scales
        return cast(
            "Tensor", self._linear(torch.cat([embeddings(embeddings_BD), stats(stats_BT) * self._stats_length], dim=1))
        )


class _UnitScale(nn.Module):
    mean: Tensor
    scale: Tensor

    def __init__(self, scale: UnitScale) -> None:
        super().__init__()
        self.register_buffer("mean", torch.from_numpy(scale.mean))
        self.register_buffer("scale", torch.from_numpy(scale.scale))

    def forward(self, rows: Tensor) -> Tensor:
        return normalize((rows - self.mean) / self.scale, dim=1)


def export_onnx(
    network: Network, *, stats: bool, head: CombinedHead | None = None, metadata: Mapping[str, str] | None = None
) -> bytes:
    """The network, in evaluation mode on the CPU, as an ONNX model that takes uint8 (B, 3, H, W) for any B.

    With `head` the logits are its own, else those of the last layer. `metadata` is written into the model by its names.

    The exporter is the one on torch.export, torch's default since 2.9; it needs onnx and onnxscript. It raises whatever
    it likes for a network that it cannot export, or one of more than the 2 GB that such a model may have.
    """
    side = network.image_size
    example = torch.zeros((_EXAMPLES, 3, side, side), dtype=torch.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own parts; what it makes is compared with torch before use
        program = torch.onnx.export(
            _Answers(network, stats=stats, head=head).eval(),
            (example,),
            dynamo=True,
            verbose=False,
            input_names=[PIXELS],
            output_names=list(_OUTPUTS[: 2 + stats]),
            dynamic_shapes=({0: torch.export.Dim("batch")},),
        )
    if program is None:
        raise TypeError("torch exported nothing")
    model = program.model_proto
    for name, value in (metadata or {}).items():
        model.metadata_props.add(key=name, value=value)
    return bytes(model.SerializeToString())
