"""HEIF (HEIC) by pillow-heif where it is installed, as a class of our own; nothing is registered in Pillow.

libheif turns pixels as the file says (irot, imir), and the format has its EXIF orientation repeat that, so there is
none left to apply. It keeps memory within the size that the file states, so a size that is accepted is binding.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from PIL import Image, ImageFile

from classifier.images.heif_extents import is_whole

if TYPE_CHECKING:
    from types import ModuleType

INSTALL: Final = 'pip install "pillow-heif>=1.8.1"'
_LEAST: Final = (1, 23, 6)
"""The libheif of pillow-heif 1.8.1. Those up to 1.23.1 let a crafted picture run code (CVE-2026-84383)."""


@cache
def _library() -> ModuleType | None:
    """pillow-heif, if there is one whose libheif is new enough; imported only where there is such an image."""
    try:
        import pillow_heif  # noqa: PLC0415 - 34 ms and 5 MB

        version = tuple(int(part) for part in pillow_heif.libheif_version().split(".")[:3])
    except ImportError:
        return None
    options = pillow_heif.options
    options.DECODE_THREADS = 1  # the other cores read other images
    # What is embedded beside the image is never shown in its place, so it need not be parsed.
    options.THUMBNAILS = options.DEPTH_IMAGES = options.AUX_IMAGES = False
    return pillow_heif if version >= _LEAST else None


def is_installed() -> bool:
    """Whether HEIF can be read."""
    return _library() is not None


class HeifFile(ImageFile.ImageFile):
    """Opened at its primary image, with the boxes read; `load` decodes it, deep color to 8 bits."""

    format = "HEIF"
    format_description = "HEIF by pillow-heif"
    _image: Any = None

    def _open(self) -> None:
        library = _library()
        if library is None or self.fp is None:
            raise SyntaxError("pillow-heif is not installed")
        data = self.fp.read()
        file = library.HeifFile(data)
        self._image = file[file.primary_index]
        self._size, self._mode = self._image.size, self._image.mode
        self._is_whole = is_whole(data)

    def load(self) -> Image.core.PixelAccess | None:
        """Decode the pixels; of a file that is cut off the whole tiles, and only where Pillow allows it."""
        if self._image is not None:
            if not (self._is_whole or ImageFile.LOAD_TRUNCATED_IMAGES):
                raise OSError("the file is cut off")
            one, self._image = self._image, None
            pixels = one.data  # decodes, and only then are the others certain
            image = Image.frombytes(one.mode, one.size, pixels, "raw", one.mode, one.stride)
            self.im, self._mode, self._size = image.im, image.mode, image.size
        return super().load()
