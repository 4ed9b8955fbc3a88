"""The evaluation transform: a decoded image to the square input of the network, the same everywhere.

Nothing is cropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor
from torch.nn.functional import pad

from classifier.model.resize import resize

if TYPE_CHECKING:
    from classifier.model.manifest import Manifest

WHITE = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalTransform:
    """The whole image squeezed into a square of `image_size` pixels, up to a change of aspect by `max_squeeze`.

    Longer images are padded with white, so that a strip of ten screens keeps recognizable shapes.
    """

    image_size: int
    max_squeeze: float = 2.0

    def __call__(self, pixels_CHW: Tensor) -> Tensor:
        """uint8 (3, any, any) to uint8 (3, image_size, image_size); bicubic with antialias, as Pillow's."""
        height, width = pixels_CHW.shape[-2:]
        size = self.image_size
        longer, shorter = max(height, width), min(height, width)
        short_side = min(size, max(1, round(size * self.max_squeeze * shorter / longer)))
        new_height, new_width = (size, short_side) if height >= width else (short_side, size)
        resized = resize(pixels_CHW, new_height, new_width, mode="bicubic")
        top, left = (size - new_height) // 2, (size - new_width) // 2
        margins = [left, size - new_width - left, top, size - new_height - top]
        return pad(resized, margins, value=WHITE)


def transform_of(manifest: Manifest) -> EvalTransform:
    """The transform that a bundle's network was trained and calibrated with."""
    return EvalTransform(image_size=manifest.image_size, max_squeeze=manifest.max_squeeze)
