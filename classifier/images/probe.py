"""Reads the header of an image: its format and size, and whether it may be decoded.

Only the decoder of the format that the first bytes show is tried.
"""

from __future__ import annotations

import re
import warnings
from io import BytesIO
from typing import TYPE_CHECKING, Final

from PIL import AvifImagePlugin, Image, UnidentifiedImageError
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from classifier.errors import Undecodable
from classifier.images import heif, jpeg_xl
from classifier.images.formats import ALLOWED, HEAD_BYTES, sniff
from classifier.reasons import Reason, ReasonCode
from classifier.records import FailureKind

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

# Opening by class instead of Image.open: nothing outside this table can be reached (an EPS would start Ghostscript),
# the size is checked against our cap and not Pillow's, and a JPEG with more frames is read as its first, a plain JPEG.
_OPENERS: Final[dict[str, type[ImageFile]]] = {
    "JPEG": JpegImageFile,
    "PNG": PngImageFile,
    "GIF": GifImageFile,
    "WEBP": WebPImageFile,
    "BMP": BmpImageFile,
    "AVIF": AvifImagePlugin.AvifImageFile,
    "TIFF": TiffImageFile,
    "HEIF": heif.HeifFile,
    "JPEG XL": jpeg_xl.JpegXLFile,
}

# Each by a library that may not be installed, or does not load.
_OPTIONAL: Final = {"HEIF": heif, "JPEG XL": jpeg_xl}

_PILLOW: Final = r"PIL\."
_FILTER: Final = ("ignore", None, Warning, re.compile(_PILLOW), 0)


def is_read(name: str) -> bool:
    """Whether images of the format `name` are read here: some need a library that may not be installed."""
    return name in ALLOWED and (name not in _OPTIONAL or _OPTIONAL[name].is_installed())


def open_checked(data: bytes, *, max_megapixels: float) -> ImageFile:
    """The image in `data` with its header read and accepted, its pixels not decoded yet.

    It has `format`, `mode`, `size` and metadata, and is at its first frame. Beyond 178 megapixels Pillow refuses GIF
    and WebP whatever `max_megapixels` allows.

    Raises:
        Undecodable: EMPTY, NOT_A_PICTURE, UNSUPPORTED, CORRUPT, TOO_LARGE or MEMORY, with the reason.

    """
    if not data:
        raise Undecodable(FailureKind.EMPTY, Reason(ReasonCode.EMPTY_FILE))
    name = _readable_format(data[:HEAD_BYTES])
    _ignore_pillow_warnings()
    if name == "WEBP":
        # Its decoder reserves memory for the pixels as soon as it is opened.
        _check_size(_webp_size(data), max_megapixels)
    try:
        image = _OPENERS[name](BytesIO(data), "")
    except Exception as reason:
        raise undecodable(reason, name) from reason
    _check_size(image.size, max_megapixels)
    return image


def undecodable(reason: Exception, name: str) -> Undecodable:
    """The exception that Pillow raised for an image of the format `name`, as Undecodable."""
    match reason:
        case Undecodable():
            return reason
        case MemoryError():
            return Undecodable(FailureKind.MEMORY, Reason.of(ReasonCode.OUT_OF_MEMORY, format=name))
        case Image.DecompressionBombError():
            return Undecodable(FailureKind.TOO_LARGE, Reason.of(ReasonCode.DECODER, source=name, words=str(reason)))
        case UnidentifiedImageError():
            return Undecodable(FailureKind.CORRUPT, Reason.of(ReasonCode.BROKEN_OFF, format=name))
        case _:
            words = str(reason) or type(reason).__name__
            return Undecodable(FailureKind.CORRUPT, Reason.of(ReasonCode.DECODER, source=name, words=words))


def _readable_format(head: bytes) -> str:
    name = sniff(head)
    if name is None:
        raise Undecodable(FailureKind.NOT_AN_IMAGE, Reason(ReasonCode.NO_KNOWN_FORMAT))
    if is_read(name):
        return name
    if name in _OPTIONAL:
        detail = Reason.of(ReasonCode.FORMAT_NOT_INSTALLED, command=_OPTIONAL[name].INSTALL, format=name)
    else:
        detail = Reason.of(ReasonCode.FORMAT_NOT_READ, format=name, readable=sorted(filter(is_read, ALLOWED)))
    raise Undecodable(FailureKind.UNSUPPORTED, detail)


def _check_size(size: tuple[int, int], max_megapixels: float) -> None:
    width, height = size
    megapixels = width * height / 1e6
    if megapixels > max_megapixels:
        numbers = {"height": height, "limit": max_megapixels, "megapixels": megapixels, "width": width}
        detail = Reason.of(ReasonCode.SIZE_LIMIT, **numbers)
        raise Undecodable(FailureKind.TOO_LARGE, detail)


def _webp_size(data: bytes) -> tuple[int, int]:
    """Width and height of the canvas in the header; (0, 0) if it has none, which the decoder then refuses."""
    match data[12:16]:
        case b"VP8X":
            return _little_endian(data[24:27]) + 1, _little_endian(data[27:30]) + 1
        case b"VP8L":
            bits = _little_endian(data[21:25])
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            return _little_endian(data[26:28]) & 0x3FFF, _little_endian(data[28:30]) & 0x3FFF
        case _:
            return 0, 0


def _little_endian(part: bytes) -> int:
    return int.from_bytes(part, "little")


def _ignore_pillow_warnings() -> None:
    """Ignore what Pillow warns about, also where warnings are errors; the result shows it as well.

    Not `warnings.catch_warnings`, which is not thread-safe: it replaces the whole list of filters and restores it. This
    adds one filter in front and leaves it there, which takes a microsecond if it is there already.
    """
    if not warnings.filters or warnings.filters[0] != _FILTER:
        warnings.filterwarnings("ignore", module=_PILLOW)
