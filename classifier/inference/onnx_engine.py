"""Runs an exported network on the CPU by ONNX Runtime, and compares its answers with another engine's."""

# Shapes: B images, H height, W width.

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch

from classifier.inference.device import images_at_once_on_cpu
from classifier.inference.loader import stream
from classifier.inference.onnx_export import PIXELS
from classifier.inference.worker_pool import WorkerPool
from classifier.model.onnx_cache import Comparison

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

    from classifier.inference.forward import Engine, Outputs
    from classifier.inference.reader import Limits, Reader

_LEAST_IMAGES: Final = 8
_MOST_IMAGES: Final = 32
_GRID: Final = 8


class OnnxEngine:
    """An `Engine` of fp32 on the CPU, with so many `threads`."""

    ahead = 0

    def __init__(self, model: bytes, *, threads: int) -> None:
        import onnxruntime  # noqa: PLC0415 - an extra, not everybody has it

        onnxruntime.disable_telemetry_events()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3  # errors alone: its warnings are of its own optimizations
        # Threads that wait for work by spinning would take the cores from the processes that decode.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._threads = threads
        self._session: Any = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def launch(self, pixels: Tensor) -> Callable[[], Outputs]:
        """As `Engine` has it."""
        return partial(self._run, pixels)

    def _run(self, pixels: Tensor) -> Outputs:
        if len(pixels) == 0:
            return []
        together = torch.split(pixels, images_at_once_on_cpu(pixels, threads=self._threads))
        parts = [self._session.run(None, {PIXELS: part.numpy()}) for part in together]
        return [np.concatenate(arrays) for arrays in zip(*parts, strict=True)]


def compare(engine: Engine, reference: Engine, pixels: Tensor) -> Comparison:
    """How the answers of `engine` for uint8 (B, 3, H, W), B at least 2, differ from those of `reference`.

    The first image is computed by itself, so that a model exported for one size of batches is found out.
    """
    expected = reference.launch(pixels)()
    parts = [engine.launch(part)() for part in (pixels[:1], pixels[1:])]
    found = [np.concatenate(arrays) for arrays in zip(*parts, strict=True)]
    if [one.shape for one in found] != [one.shape for one in expected]:
        return Comparison(images=len(pixels), failure="its answers have another shape")
    differences = [_difference(one, other) for one, other in zip(found, expected, strict=True)]
    same_best = bool((found[1].argmax(axis=1) == expected[1].argmax(axis=1)).all())
    return Comparison(images=len(pixels), difference=float(np.max(differences)), same_best=same_best)


def _difference(found: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    """The largest difference as a share of the largest number expected."""
    scale = max(float(np.abs(expected).max()), float(np.finfo(np.float32).tiny))
    return float(np.abs(found.astype(np.float64) - expected).max()) / scale


def sample_pixels(paths: Sequence[Path], reader: Reader, *, limits: Limits, image_size: int) -> Tensor:
    """Up to 32 images to compare engines by: those of `paths` that can be read, and drawn ones up to 8 in all.

    They are read in a process of their own, as any image is.
    """
    step = max(1, -(-len(paths) // _MOST_IMAGES))
    with WorkerPool(limits, workers=1) as pool:
        batches = list(stream(paths[::step], reader, pool, batch_size=_MOST_IMAGES))
    read = [batch.pixels for batch in batches if len(batch.pixels)]
    missing = max(0, _LEAST_IMAGES - sum(map(len, read)))
    return torch.cat([*read, drawn_pixels(image_size)[:missing]])


def drawn_pixels(side: int) -> Tensor:
    """Eight images of coarse patches of color with noise on them, uint8 (8, 3, side, side); the same each time."""
    rng, count = np.random.default_rng(0), _LEAST_IMAGES
    patches = rng.integers(0, 256, (count, 3, _GRID, _GRID))
    cells = np.arange(side) * _GRID // side
    noisy = patches[:, :, cells][:, :, :, cells] + rng.normal(0, 12, (count, 3, side, side))
    return torch.from_numpy(noisy.clip(0, 255).astype(np.uint8))
