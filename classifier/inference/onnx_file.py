"""The network of a bundle as one ONNX model that says how pictures are prepared and what its answers mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from classifier.errors import ModelError
from classifier.inference.device import choose_runtime
from classifier.inference.forward import TorchEngine
from classifier.inference.onnx_engine import OnnxEngine, compare, drawn_pixels
from classifier.inference.onnx_export import export_onnx
from classifier.model.trained import load_network
from classifier.paths import to_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from classifier.inference.forward import Engine, Outputs
    from classifier.model.backbone import Network
    from classifier.model.bundle import Bundle
    from classifier.model.combined_head import CombinedHead
    from classifier.model.manifest import Manifest
    from classifier.model.onnx_cache import Comparison

_LEVELS: Final = 255
_DIGITS: Final = 6
_LONGEST: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class OnnxModel:
    """An ONNX model as the bytes of its file, and how its answers compare with torch's."""

    content: bytes
    comparison: Comparison


def export_network(bundle: Bundle) -> OnnxModel:
    """The network of `bundle` as an ONNX model; its answers for drawn images are compared with torch's.

    Raises ModelError in one line where the network cannot be exported, or the model answers otherwise than torch.
    """
    network, head = load_network(bundle), bundle.load_combined_head()
    try:
        content = export_onnx(network, stats=False, head=head, metadata=metadata_of(bundle.manifest, network))
        runtime = choose_runtime(device="cpu", workers=0, batch_size=1)
        reference: Engine = TorchEngine(network, runtime, stats=head is not None)
        if head is not None:
            reference = _WithHead(reference, head)
        comparison = compare(OnnxEngine(content, threads=1), reference, drawn_pixels(network.image_size))
    except Exception as error:  # exporter and runtime raise anything for a network they do not know
        why = (str(error).strip().splitlines() or [type(error).__name__])[0][:_LONGEST]
        raise ModelError("{folder}: cannot be written as ONNX: {why}", folder=bundle.folder, why=why) from error
    if not comparison.agrees:
        raise ModelError(
            "{folder}: cannot be written as ONNX: it gives other answers than torch for {images} pictures (the largest "
            "difference is {difference} of the largest number)",
            folder=bundle.folder,
            images=comparison.images,
            difference=format(comparison.difference, ".0e"),
        )
    return OnnxModel(content=content, comparison=comparison)


@dataclass(frozen=True, slots=True)
class _WithHead:
    """An engine that gives embeddings, and the logits of a combined head."""

    engine: Engine
    head: CombinedHead

    @property
    def ahead(self) -> int:
        """As `Engine` has it."""
        return self.engine.ahead

    def launch(self, pixels: Tensor) -> Callable[[], Outputs]:
        """As `Engine` has it."""
        read = self.engine.launch(pixels)

        def combined() -> Outputs:
            embeddings, _, stats = read()
            return [embeddings, self.head(embeddings, stats)]

        return combined


def metadata_of(manifest: Manifest, network: Network) -> dict[str, str]:
    """What stands in the model's metadata: each value is JSON, but for texts."""
    preprocessing = {
        "channels": "RGB, on white where a picture is transparent",
        "image_size": manifest.image_size,
        "resize": "bicubic with antialias, the longer side to image_size, the shorter to at most image_size, with the "
        "aspect changed by at most max_squeeze",
        "max_squeeze": manifest.max_squeeze,
        "padding": "white (255), centered, to image_size x image_size",
        "pixels": "uint8 (batch, 3, image_size, image_size)",
        "mean": _shares(network.mean),
        "std": _shares(network.std),
        "normalization": "inside the model: (pixels / 255 - mean) / std",
    }
    return {
        "categories": to_json(list(manifest.categories)),
        "temperature": to_json(manifest.temperature),
        "threshold": to_json(manifest.threshold),
        "probabilities": "softmax(logits / temperature)",
        "preprocessing": to_json(preprocessing),
        "model": manifest.key,
        "backbone": manifest.backbone,
        "backbone_license": manifest.backbone_license,
    }


def _shares(levels: Tensor) -> list[float]:
    """One number for each channel, of gray levels 0..255, as a share 0..1."""
    return [round(level / _LEVELS, _DIGITS) for level in levels.flatten().tolist()]
