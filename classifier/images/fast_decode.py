"""Decodes common JPEG, PNG and WebP images by imagecodecs: the pixels of `decode` in 0.4 to 0.9 of its time.

imagecodecs calls libjpeg-turbo, libpng and libwebp without Pillow's copies. Where its libraries do not load, as on an
old Windows, `decode` does all the work.
"""

from __future__ import annotations

import re
import struct
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL.ImageFile import ImageFile

from classifier.errors import Undecodable
from classifier.images.decode import orientation
from classifier.images.formats import HEAD_BYTES, sniff
from classifier.images.probe import open_checked

try:
    import imagecodecs
except ImportError:
    imagecodecs = None  # type: ignore[assignment]

_END_OF_JPEG: Final = b"\xff\xd9"
_TURNED: Final = re.compile(
    rb'Raw profile type exif|XML:com\.adobe\.xmp\x00\x01|.*tiff:Orientation(?:="|>)[2-8]', re.DOTALL
)
"""Text of a PNG by which it may be turned: EXIF data, compressed XMP, an orientation in plain XMP."""
_MODES: Final = {"JPEG": {"RGB", "L"}, "PNG": {"RGB"}, "WEBP": {"RGB"}}
_PNG_CHUNKS: Final = 8  # where the first chunk begins: length, name, content, checksum
_PNG_CHUNK: Final = struct.Struct(">I4s")
_PNG_CHECKSUM: Final = 4
_PNG_TEXTS: Final = frozenset({b"tEXt", b"zTXt", b"iTXt"})
_PNG_BITS: Final = 24  # where IHDR has the bits of a color


def decode_fast(data: bytes, *, max_megapixels: float) -> NDArray[np.uint8] | None:
    """The image as uint8 (height, width, 3) RGB; None where `decode` might give other pixels or a failure.

    Complete, upright, single, opaque images of 8 bits are decoded. For gray and transparent PNG, Pillow is as fast.
    """
    image = _usual_image(data, max_megapixels)
    if image is None:
        return None
    try:
        pixels = _DECODERS[image.format or ""](data)
    except Exception:  # noqa: BLE001 - whatever it says of a damaged file, `decode` gives the reason
        return None
    is_rgb = pixels.dtype == np.uint8 and pixels.shape == (image.height, image.width, 3)
    return pixels if is_rgb else None


def _usual_image(data: bytes, max_megapixels: float) -> ImageFile | None:
    """The image with its header read, where it is of a kind that both ways decode alike."""
    name = sniff(data[:HEAD_BYTES])
    if imagecodecs is None or name not in _DECODERS or not _is_complete(name, data):
        return None
    try:
        image = open_checked(data, max_megapixels=max_megapixels)  # refuses what is too large before it is decoded
    except Undecodable:
        return None
    is_usual = image.mode in _MODES[name]
    if not is_usual or (name != "PNG" and orientation(image) != 1) or getattr(image, "is_animated", False):
        return None
    return None if "transparency" in image.info else image


def _is_complete(name: str, data: bytes) -> bool:
    """What is cut off is left to `decode`, which marks it."""
    if name == "JPEG":
        return data.endswith(_END_OF_JPEG) or data.rstrip(b"\0").endswith(_END_OF_JPEG)
    if name == "PNG":
        return _is_usual_png(data)
    return True


def _is_usual_png(data: bytes) -> bool:
    """Whether it is complete, of 8 bits, and certainly not turned; Pillow decodes the pixels to say the last."""
    at, kind = _PNG_CHUNKS, b""
    while kind != b"IEND" and at + _PNG_CHUNK.size <= len(data):
        length, kind = _PNG_CHUNK.unpack_from(data, at)
        content = slice(at + _PNG_CHUNK.size, at + _PNG_CHUNK.size + length)
        if kind == b"eXIf" or (kind in _PNG_TEXTS and _TURNED.match(data[content])):
            return False
        at = content.stop + _PNG_CHECKSUM
    return kind == b"IEND" and at == len(data) and data[_PNG_BITS] == 8  # noqa: PLR2004


def _jpeg(data: bytes) -> NDArray[Any]:
    return np.asarray(imagecodecs.jpeg8_decode(data, outcolorspace="rgb"))


def _png(data: bytes) -> NDArray[Any]:
    return np.asarray(imagecodecs.png_decode(data))


def _webp(data: bytes) -> NDArray[Any]:
    return np.asarray(imagecodecs.webp_decode(data, hasalpha=False))


_DECODERS: Final = {"JPEG": _jpeg, "PNG": _png, "WEBP": _webp}
