"""From a file's bytes to a tensor: quickly where that gives the exact decoding's pixels, else by the exact decoding.

Must not know paths or models.
"""

from __future__ import annotations

import numpy as np
import torch
import torchvision.io  # its import registers torch.ops.image
from torch import Tensor

from classifier.errors import Undecodable
from classifier.images.decode import decode, open_checked, orientation
from classifier.images.formats import HEAD_BYTES, sniff

_END_OF_JPEG = b"\xff\xd9"
_RGB = torchvision.io.ImageReadMode.RGB.value


def load_pixels(data: bytes, *, max_megapixels: float) -> tuple[Tensor, bool]:
    """The picture in `data` as uint8 (3, height, width) RGB, and whether it was truncated.

    In memory the three colors of a pixel lie side by side (a view of height, width, 3), which torchvision resizes
    five times as fast as three planes.

    Raises:
        Undecodable: As `classifier.images.decode.decode` does.

    """
    quick = _quick(data, max_megapixels)
    if quick is not None:
        return quick, False
    decoded = decode(data, max_megapixels=max_megapixels)
    return torch.from_numpy(np.array(decoded.image)).permute(2, 0, 1), decoded.truncated


def _quick(data: bytes, max_megapixels: float) -> Tensor | None:
    """The ordinary JPEG or WebP, without Pillow's copies (a fifth faster); None for any other.

    The ordinary one is whole, upright, RGB or grey, has no transparency and does not move.
    """
    name = sniff(data[:HEAD_BYTES])
    if name not in {"JPEG", "WEBP"}:
        return None
    try:
        # The header alone: what is too large is refused before a pixel is decoded, here as there.
        image = open_checked(data, max_megapixels=max_megapixels)
    except Undecodable:
        return None
    if image.mode not in {"RGB", "L"} or orientation(image) != 1 or getattr(image, "is_animated", False):
        return None
    if name == "JPEG" and not _is_complete_jpeg(data):
        return None
    try:
        encoded = _as_tensor(data)
        # Not torchvision.io's functions, which warn that they will go; without these operators we are only slower.
        if name == "JPEG":
            pixels: Tensor = torch.ops.image.decode_jpeg(encoded, _RGB, False)
        else:
            pixels = torch.ops.image.decode_webp(encoded, _RGB)
    except (RuntimeError, AttributeError, TypeError):
        return None  # the exact decoding decides, and gives the reason
    return pixels if pixels.shape == (3, image.height, image.width) else None


def _is_complete_jpeg(data: bytes) -> bool:
    """Cut-off JPEGs go the exact way, which marks them as truncated; this decoder would fill them in silently."""
    return data.endswith(_END_OF_JPEG) or data.rstrip(b"\0").endswith(_END_OF_JPEG)


def _as_tensor(data: bytes) -> Tensor:
    return torch.from_numpy(np.frombuffer(data, dtype=np.uint8).copy())
