"""Augmentation of training images: random crop, flip and color jitter.

Seeded by run, epoch and image, so the number of threads and a resumed run change nothing.
"""

# Shapes: C channels, H height, W width.

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from classifier.model.resize import resize
from classifier.records import ImageId

_MOST_STRETCH: Final = 1.6
_JITTER: Final = 0.2
_STRONG_JITTER: Final = 0.3
_HIDDEN: Final = (0.2, 0.45)  # the square's side as a share of the image's
_TRIES: Final = 10
_GREY: Final = (0.299, 0.587, 0.114)


@dataclass(frozen=True, slots=True, kw_only=True)
class Augment:
    """Random crops of `crop_min` to all of the area, resized to a square of `image_size` pixels."""

    image_size: int
    crop_min: float
    seed: int

    def shrink(self, pixels_CHW: Tensor) -> Tensor:
        """As small as it may be kept: the smallest crop still has as many pixels as the network sees.

        uint8 (3, any, any) to the same, its aspect kept; never enlarged.
        """
        height, width = pixels_CHW.shape[-2:]
        factor = math.sqrt(self.image_size**2 / self.crop_min / (height * width))
        if factor >= 1:
            return pixels_CHW
        return resize(pixels_CHW, max(1, round(height * factor)), max(1, round(width * factor)), mode="bicubic")

    def __call__(self, pixels_CHW: Tensor, *, epoch: int, image_id: ImageId, strong: bool = False) -> Tensor:
        """uint8 (3, any, any) to uint8 (3, image_size, image_size); `strong` also hides a square and shifts more."""
        draw = np.random.default_rng([self.seed, epoch, int(image_id[:16], 16)])
        height, width = pixels_CHW.shape[-2:]
        top, left, tall, wide = draw_crop(draw, height=height, width=width, least_share=self.crop_min)
        crop = pixels_CHW[:, top : top + tall, left : left + wide]
        cropped = resize(crop, self.image_size, self.image_size, mode="bilinear")
        if draw.random() < 0.5:  # noqa: PLR2004 - one in two
            cropped = cropped.flip(-1)
        jitter = _STRONG_JITTER if strong else _JITTER
        jittered = jitter_colors(cropped, *draw.uniform(1 - jitter, 1 + jitter, size=3))
        return hide_square(draw, jittered) if strong else jittered


def draw_crop(draw: np.random.Generator, *, height: int, width: int, least_share: float) -> tuple[int, int, int, int]:
    """Top, left, height and width of a crop: `least_share` to all of the area, width to height 1:1.6 to 1.6:1.

    Where no such crop is found in an image longer than that, all of it is taken.
    """
    for _ in range(_TRIES):
        area = draw.uniform(least_share, 1) * height * width
        aspect = math.exp(draw.uniform(-math.log(_MOST_STRETCH), math.log(_MOST_STRETCH)))
        crop_height, crop_width = round(math.sqrt(area / aspect)), round(math.sqrt(area * aspect))
        if 0 < crop_height <= height and 0 < crop_width <= width:
            top = int(draw.integers(height - crop_height + 1))
            left = int(draw.integers(width - crop_width + 1))
            return top, left, crop_height, crop_width
    return 0, 0, height, width


def hide_square(draw: np.random.Generator, pixels_CHW: Tensor) -> Tensor:
    """Gray out one square (DeVries and Taylor 2017), so that no one detail is all that is learned."""
    side = round(draw.uniform(*_HIDDEN) * min(pixels_CHW.shape[-2:]))
    top, left = (int(draw.integers(length - side + 1)) for length in pixels_CHW.shape[-2:])
    hidden = pixels_CHW.clone()
    hidden[:, top : top + side, left : left + side] = 128
    return hidden


def jitter_colors(pixels_CHW: Tensor, brightness: float, contrast: float, saturation: float) -> Tensor:
    """uint8 to uint8; each factor is 1 for no change. Rounded and clipped once, at the end."""
    grey_HW = torch.einsum("chw,c->hw", pixels_CHW.float(), torch.tensor(_GREY))
    # From whole numbers, whose sum is exact in any order and so with any number of threads.
    channel_means = pixels_CHW.sum(dim=(1, 2), dtype=torch.int64) / grey_HW.numel()
    mean = float((channel_means * torch.tensor(_GREY)).sum())
    colors = pixels_CHW.float() * saturation + grey_HW * (1 - saturation)
    jittered = (colors * contrast + mean * (1 - contrast)) * brightness
    return jittered.round().clamp(0, 255).to(torch.uint8)
