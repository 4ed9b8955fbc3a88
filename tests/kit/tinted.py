"""Drawings that a model of colors can file, and copies of them."""

from __future__ import annotations

from PIL import Image

from kit.copies import drawing
from kit.pictures import COLORS, encoded

_SHARE = 0.8
_DRAWN = (400, 520)
_COLORS = COLORS | {"gray": (120, 120, 120)}


def tinted(color: str, seed: int, size: tuple[int, int] = _DRAWN) -> Image.Image:
    """A drawing of its own for each `seed` in shades of one color; the model is not sure of gray."""
    return Image.blend(drawing(seed, _DRAWN), Image.new("RGB", _DRAWN, _COLORS[color]), _SHARE).resize(size)


def png(image: Image.Image) -> bytes:
    """As a file."""
    return encoded(image, "PNG")


def jpeg(image: Image.Image, quality: int = 90) -> bytes:
    """As a file that is compressed."""
    return encoded(image, "JPEG", quality=quality)
