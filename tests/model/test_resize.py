"""Images are resized to torchvision's pixels, without what importing it costs."""

from __future__ import annotations

import subprocess
import sys
from typing import Literal

import pytest
import torch
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2.functional import resize as torchvision_resize

from classifier.model.resize import resize

SIZES = [(1, 1), (1, 900), (7, 5), (64, 64), (65, 200), (300, 301), (900, 2)]


def interleaved(height: int, width: int) -> torch.Tensor:
    """As decoders give pixels: the three colors of one are adjacent."""
    generator = torch.Generator().manual_seed(height * 1000 + width)
    return torch.randint(0, 256, (height, width, 3), dtype=torch.uint8, generator=generator).permute(2, 0, 1)


@pytest.mark.parametrize("mode", ["bicubic", "bilinear"])
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_pixels_are_those_of_torchvision(height: int, width: int, mode: Literal["bilinear", "bicubic"]) -> None:
    whole = interleaved(height, width)
    for pixels in (whole, whole.contiguous(), whole[:, height // 3 :, width // 4 :]):
        for size in ([64, 64], [64, 32], [8, 300]):
            expected = torchvision_resize(pixels, size, interpolation=InterpolationMode(mode), antialias=True)
            resized = resize(pixels, *size, mode=mode)

            assert torch.uint8 == resized.dtype
            assert torch.equal(expected, resized)


def test_adjacent_colors_stay_adjacent() -> None:
    assert 1 == resize(interleaved(200, 100), 64, 64, mode="bicubic").stride(0)


def test_reading_workers_import_neither_torchvision_nor_the_compiler_of_torch() -> None:
    code = (
        "import sys, classifier.inference.worker_process, classifier.model.transforms, classifier.inference.reader\n"
        "print([name for name in ('torchvision', 'timm', 'torch._dynamo', 'sklearn') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, encoding="utf-8")

    assert "[]" == done.stdout.strip()
