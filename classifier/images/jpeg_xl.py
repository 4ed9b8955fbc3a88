"""JPEG XL by imagecodecs, as a class that Pillow's others resemble; nothing is registered in Pillow.

Pixels are those of the first frame, turned by libjxl as the file says, so there is no EXIF orientation left to apply.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from classifier.errors import Undecodable
from classifier.images.jpeg_xl_header import JpegXLHeader, read_header
from classifier.reasons import Reason, ReasonCode
from classifier.records import FailureKind

INSTALL: Final = "pip install --upgrade imagecodecs"
_MODES: Final = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
_PREMULTIPLIED: Final = {"LA": "La", "RGBA": "RGBa"}
_BYTE: Final = 255
_GRAY: Final = 2  # dimensions of an array without channels


@cache
def is_installed() -> bool:
    """Whether imagecodecs and its libjxl can be loaded."""
    try:
        import imagecodecs  # noqa: PLC0415 - an old Windows has not what it needs, and only this format is then not read

        return bool(imagecodecs.JPEGXL.available)
    except ImportError:
        return False


class JpegXLFile(ImageFile.ImageFile):
    """Opened with its header read; `load` decodes it to 8 bits."""

    format = "JPEG XL"
    format_description = "JPEG XL by imagecodecs"
    _file = b""

    def _open(self) -> None:
        self._file = self.fp.read() if self.fp is not None else b""
        self._header = read_header(self._file)
        if self._header.is_cmyk:  # imagecodecs has no way to get the black
            detail = Reason.of(ReasonCode.FORMAT_NOT_READ, format="CMYK JPEG XL")
            raise Undecodable(FailureKind.UNSUPPORTED, detail)
        self._size = self._header.width, self._header.height
        self._mode = "RGB"

    def load(self) -> Image.core.PixelAccess | None:
        """Decode the pixels, in one thread as other formats."""
        if self._file:
            image = _decoded(self._file, self._header)
            self.im, self._mode, self._size, self._file = image.im, image.mode, image.size, b""
        return super().load()


def _decoded(data: bytes, header: JpegXLHeader) -> Image.Image:
    import imagecodecs  # noqa: PLC0415 - as above

    values = imagecodecs.jpegxl_decode(data, index=0, numthreads=1)
    size = header.height, header.width
    if values.shape[1:] == size:  # gray with other channels than alpha: one plane each
        values = values[0]
    if values.shape[:2] != size:
        raise ValueError("it has another size than its header says")
    pixels = np.ascontiguousarray(_to_8_bits(values, header))
    del values
    mode = _MODES[1 if pixels.ndim == _GRAY else pixels.shape[2]]
    stored = _PREMULTIPLIED.get(mode, mode) if header.is_premultiplied else mode
    image = Image.frombytes(stored, size[::-1], pixels.data)
    return image if stored == mode else image.convert(mode)


def _to_8_bits(values: NDArray[Any], header: JpegXLHeader) -> NDArray[np.uint8]:
    """Row by row, for the whole image as floats would take four times its memory."""
    most = 1.0 if values.dtype.kind == "f" else (1 << header.bits) - 1.0
    if most == _BYTE:
        return values
    pixels = np.empty(values.shape, np.uint8)
    for row, deep in zip(pixels, values, strict=True):
        shares = np.nan_to_num(deep.astype(np.float32)) / np.float32(most)
        row[...] = np.rint(shares.clip(0, 1) * _BYTE)
    return pixels
