"""ONNX Runtime answers as torch does; without its package these tests are skipped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from classifier.inference.device import choose_runtime
from classifier.inference.forward import Outputs, TorchEngine
from classifier.inference.onnx_engine import OnnxEngine, compare, sample_pixels
from classifier.inference.onnx_export import export_onnx
from classifier.inference.reader import Limits, Reader
from kit.learning import tiny_network
from kit.pictures import COLORS, encoded, varied
from kit.readers import Shrink

if TYPE_CHECKING:
    from collections.abc import Callable

LIMITS = Limits(deadline_s=60, worker_gigabytes=3)
READER = Reader(transform=Shrink(32), max_megapixels=64)
RUNTIME = choose_runtime(device="cpu", workers=0, batch_size=32)


class Fixed:
    """An engine that gives these outputs, as many as there are images."""

    ahead = 0

    def __init__(self, *outputs: list[list[float]]) -> None:
        self.outputs = [np.array(output, dtype=np.float32) for output in outputs]
        self.given = 0

    def launch(self, pixels: torch.Tensor) -> Callable[[], Outputs]:
        """As `Engine` has it."""
        first, self.given = self.given, self.given + len(pixels)
        return lambda: [output[first : first + len(pixels)] for output in self.outputs]


@pytest.mark.parametrize("stats", [False, True])
@pytest.mark.parametrize("architecture", ["test_efficientnet", "test_vit", "test_convnext"])
def test_an_exported_network_answers_as_torch_for_any_batch(architecture: str, stats: bool) -> None:
    pytest.importorskip("onnxruntime")
    network = tiny_network(architecture).eval()
    side = network.image_size
    pixels = torch.randint(0, 256, (9, 3, side, side), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    reference = TorchEngine(network, RUNTIME, stats=stats)
    engine = OnnxEngine(export_onnx(network, stats=stats), threads=1)

    comparison = compare(engine, reference, pixels)
    outputs = engine.launch(pixels)()

    assert comparison.agrees
    assert comparison.images == 9
    assert [np.float32] * (2 + stats) == [output.dtype for output in outputs]
    assert [] == engine.launch(pixels[:0])()


PIXELS = torch.zeros((2, 3, 1, 1), dtype=torch.uint8)
EXPECTED = ([[100.0], [-200.0]], [[1.0, 2.0], [4.0, 3.0]])


def test_the_largest_difference_is_a_share_of_the_largest_number() -> None:
    found = compare(Fixed([[100.0], [-200.01]], EXPECTED[1]), Fixed(*EXPECTED), PIXELS)

    assert found.difference == pytest.approx(0.01 / 200, rel=1e-2)
    assert found.agrees


@pytest.mark.parametrize(
    "outputs",
    [
        ([[100.0], [-200.1]], EXPECTED[1]),
        (EXPECTED[0], [[1.0, 2.0], [3.0, 4.0]]),
        (EXPECTED[0], [[1.0, float("nan")], [4.0, 3.0]]),
        (EXPECTED[0], [[1.0, 2.0, 0.0], [4.0, 3.0, 0.0]]),
        EXPECTED[:1],
    ],
    ids=["far", "another category", "no number", "another shape", "an output missing"],
)
def test_other_answers_do_not_agree(outputs: tuple[list[list[float]], ...]) -> None:
    assert not compare(Fixed(*outputs), Fixed(*EXPECTED), PIXELS).agrees


def test_engines_are_compared_by_pictures_and_by_drawn_ones_where_few_are_left(tmp_path: Path) -> None:
    paths = [tmp_path / f"{color}.png" for color in COLORS]
    for color, path in zip(COLORS, paths, strict=True):
        path.write_bytes(encoded(varied(COLORS[color], seed=1), "PNG"))
    (tmp_path / "broken.png").write_bytes(b"no picture")
    pixels = sample_pixels([*paths, tmp_path / "broken.png"], READER, limits=LIMITS, image_size=32)
    alone = sample_pixels([], READER, limits=LIMITS, image_size=32)

    assert (8, 3, 32, 32) == pixels.shape == alone.shape
    for path, image in zip(paths, pixels, strict=False):
        read = READER.read(path)
        assert torch.equal(read.pixels, image)  # type: ignore[union-attr]
    assert torch.equal(alone[: 8 - len(paths)], pixels[len(paths) :])
    assert len({image.numpy().tobytes() for image in alone}) == 8


def test_no_more_than_32_pictures_are_compared(tmp_path: Path) -> None:
    for number in range(70):
        (tmp_path / f"{number:02}.png").write_bytes(encoded(varied(COLORS["red"], seed=number), "PNG"))
    pixels = sample_pixels(sorted(tmp_path.iterdir()), READER, limits=LIMITS, image_size=32)

    assert 8 <= len(pixels) <= 32
