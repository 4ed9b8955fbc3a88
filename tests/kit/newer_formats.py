"""Drawn pictures as JPEG XL and HEIF files, a change of a bit, and what they decode to."""

from __future__ import annotations

from contextlib import suppress
from io import BytesIO
from typing import TYPE_CHECKING, Any

import imagecodecs
import numpy as np
import pillow_heif
import pytest
from PIL import Image

from classifier.errors import Undecodable
from classifier.images.decode import decode
from classifier.images.jpeg_xl_header import JpegXLHeader, read_header
from kit.pictures import Color, plain

if TYPE_CHECKING:
    from collections.abc import Callable


def jxl(image: Image.Image, **options: Any) -> bytes:
    """`image` as a JPEG XL file, lossless; `options` are imagecodecs'."""
    return bytes(imagecodecs.jpegxl_encode(np.asarray(image), **{"effort": 1} | options))


def heif(image: Image.Image, **options: Any) -> bytes:
    """`image` as a HEIF file, by default without loss of more than rounding; `options` are pillow-heif's."""
    buffer = BytesIO()
    pillow_heif.from_pillow(image).save(buffer, **{"quality": -1, "chroma": 444} | options)
    return buffer.getvalue()


def jxl_bytes(color: Color, size: tuple[int, int] = (64, 48)) -> bytes:
    """A JPEG XL file of one color."""
    return jxl(plain(color, size))


def heif_bytes(color: Color, size: tuple[int, int] = (64, 48)) -> bytes:
    """A HEIF file of one color."""
    return heif(plain(color, size))


def with_flipped_bit(data: bytes, *, wanted: Callable[[JpegXLHeader], bool]) -> bytes:
    """The JPEG XL file with the first bit flipped whose header is then as wanted and that can still be decoded."""
    for bit in range(8 * 100):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        with suppress(EOFError, ValueError, RuntimeError):
            if wanted(read_header(bytes(changed))):
                imagecodecs.jpegxl_decode(bytes(changed), index=0)
                return bytes(changed)
    raise LookupError("no single bit does that")


def pixels(data: bytes) -> np.ndarray:
    """What a whole file decodes to, as integers."""
    decoded = decode(data, max_megapixels=64)
    assert decoded.image.mode == "RGB"
    assert not decoded.truncated
    return np.asarray(decoded.image).astype(int)


def refusal(data: bytes, *, max_megapixels: float = 64) -> Undecodable:
    """Why the file is not decoded."""
    with pytest.raises(Undecodable) as refused:
        decode(data, max_megapixels=max_megapixels)
    return refused.value


def on_white(image: Image.Image) -> np.ndarray:
    """The image laid on white, not rounded."""
    layers = np.asarray(image.convert("RGBA")).astype(float)
    alpha = layers[..., 3:] / 255
    return np.asarray(layers[..., :3] * alpha + 255 * (1 - alpha))


def turned(orientation: int) -> Image.Exif:
    """EXIF data with this orientation."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif
