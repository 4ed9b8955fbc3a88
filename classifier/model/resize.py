"""Resizes uint8 images by torch, to the pixels that torchvision gives.

torchvision itself is not imported: with it comes torch's compiler, which is half of what a process takes to start, and
each worker of Windows and macOS starts anew.
"""

# Shapes: C channels, H height, W width.

from __future__ import annotations

from typing import Literal

from torch import Tensor
from torch.nn.functional import interpolate


def resize(pixels_CHW: Tensor, height: int, width: int, *, mode: Literal["bilinear", "bicubic"]) -> Tensor:
    """uint8 (C, any, any) to uint8 (C, height, width) with antialias, as Pillow's to one level.

    Fastest where the channels of a pixel are adjacent in memory, which the result keeps.
    """
    channels, old_height, old_width = pixels_CHW.shape
    if (old_height, old_width) == (height, width):
        return pixels_CHW
    image = pixels_CHW.unsqueeze(0)
    if pixels_CHW.stride(0) == 1:
        # A batch of one has any stride; only with this one does torch see that the channels are adjacent.
        strides = (pixels_CHW.numel(), *pixels_CHW.stride())
        image = pixels_CHW.as_strided((1, channels, old_height, old_width), strides)
    return interpolate(image, size=(height, width), mode=mode, align_corners=False, antialias=True).squeeze(0)
