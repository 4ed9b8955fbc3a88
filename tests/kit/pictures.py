"""Drawn pictures: plain colors that a test can classify by, and busy ones whose pixels a test can compare."""

from __future__ import annotations

from io import BytesIO
from random import Random
from typing import Any

from PIL import Image, ImageDraw

Color = tuple[int, int, int]

COLORS: dict[str, Color] = {
    "red": (220, 30, 30),
    "green": (30, 200, 30),
    "blue": (30, 30, 220),
    "yellow": (230, 220, 30),
    "violet": (150, 40, 200),
    "black": (0, 0, 0),
    "white": (255, 255, 255),
}


def encoded(image: Image.Image, name: str, **options: Any) -> bytes:
    """`image` as a file of Pillow's format `name`."""
    buffer = BytesIO()
    image.save(buffer, name, **options)
    return buffer.getvalue()


def plain(color: Color, size: tuple[int, int] = (64, 48)) -> Image.Image:
    """One color all over."""
    return Image.new("RGB", size, color)


def varied(color: Color, *, seed: int, size: tuple[int, int] = (64, 48)) -> Image.Image:
    """A picture of its own for each `seed` whose mean is near `color`: a few shapes of nearby colors."""
    random = Random(seed)
    image = plain(color, size)
    pen = ImageDraw.Draw(image)
    width, height = size
    for _ in range(8):
        shade = tuple(min(255, max(0, value + random.randint(-25, 25))) for value in color)
        x, y = random.randrange(width), random.randrange(height)
        pen.ellipse((x, y, x + random.randrange(2, 20), y + random.randrange(2, 20)), fill=shade)
    return image


def busy(seed: int = 0, size: tuple[int, int] = (97, 61), mode: str = "RGB") -> Image.Image:
    """Shapes of every color (and, in a mode with alpha, every transparency) that decoders may get wrong."""
    random = Random(seed)
    image = Image.linear_gradient("L").resize(size).convert("RGBA")
    pen = ImageDraw.Draw(image)
    width, height = size
    for _ in range(40):
        fill = tuple(random.randrange(256) for _ in range(4))
        x, y = random.randrange(width), random.randrange(height)
        pen.rectangle((x, y, x + random.randrange(1, 30), y + random.randrange(1, 30)), fill=fill)
    return image.convert(mode)


def png_bytes(color: Color, size: tuple[int, int] = (64, 48)) -> bytes:
    """A PNG file of one color."""
    return encoded(plain(color, size), "PNG")


def jpeg_bytes(color: Color, size: tuple[int, int] = (64, 48), **options: Any) -> bytes:
    """A JPEG file of one color; `options` are Pillow's (quality, exif, progressive)."""
    return encoded(plain(color, size), "JPEG", **options)


def webp_bytes(color: Color, size: tuple[int, int] = (64, 48), **options: Any) -> bytes:
    """A WebP file of one color."""
    return encoded(plain(color, size), "WEBP", **options)


def gif_bytes(color: Color, size: tuple[int, int] = (64, 48)) -> bytes:
    """A GIF file of one color."""
    return encoded(plain(color, size), "GIF")


def bmp_bytes(color: Color, size: tuple[int, int] = (64, 48)) -> bytes:
    """A BMP file of one color."""
    return encoded(plain(color, size), "BMP")


def tiff_bytes(color: Color, size: tuple[int, int] = (64, 48)) -> bytes:
    """A TIFF file of one color."""
    return encoded(plain(color, size), "TIFF")


def avif_bytes(color: Color, size: tuple[int, int] = (64, 48)) -> bytes:
    """An AVIF file of one color."""
    return encoded(plain(color, size), "AVIF")


def animated_bytes(name: str, colors: list[Color], size: tuple[int, int] = (64, 48)) -> bytes:
    """An animation (GIF, WEBP, PNG) with one frame for each color."""
    first, *others = [plain(color, size) for color in colors]
    return encoded(first, name, save_all=True, append_images=others, duration=100)
