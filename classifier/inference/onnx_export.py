"""Exports a trained network to ONNX, in memory: pixels in; embeddings, logits and, if requested, statistics out."""

# Shapes: B images, H height, W width.

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor, nn

from classifier.inference.forward import answers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from classifier.model.backbone import Network

PIXELS: Final = "pixels"
_OUTPUTS: Final = ("embeddings", "logits", "statistics")
_EXAMPLES: Final = 2  # torch takes a batch of 1 for one that never changes


class _Answers(nn.Module):
    """What an engine gives for pixels, in its order."""

    def __init__(self, network: Network, *, stats: bool) -> None:
        super().__init__()
        self._network = network
        self._stats = stats

    def forward(self, pixels_BCHW: Tensor) -> tuple[Tensor, ...]:
        return tuple(answers(self._network, self._network.normalize(pixels_BCHW), stats=self._stats))


def export_onnx(network: Network, *, stats: bool, metadata: Mapping[str, str] | None = None) -> bytes:
    """The network, in evaluation mode on the CPU, as an ONNX model that takes uint8 (B, 3, H, W) for any B.

    `metadata` is written into the model by its names.

    The exporter is the one on torch.export, torch's default since 2.9; it needs onnx and onnxscript. It raises whatever
    it likes for a network that it cannot export, or one of more than the 2 GB that such a model may have.
    """
    side = network.image_size
    example = torch.zeros((_EXAMPLES, 3, side, side), dtype=torch.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own parts; what it makes is compared with torch before use
        program = torch.onnx.export(
            _Answers(network, stats=stats).eval(),
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
