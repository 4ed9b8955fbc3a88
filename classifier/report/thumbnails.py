"""Labelled pictures as small data URIs: decoded by images/ and encoded anew, so no byte of the file is shown."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Final

from PIL import Image

from classifier.errors import Undecodable
from classifier.images.decode import decode
from classifier.images.safe_open import open_regular

if TYPE_CHECKING:
    from pathlib import Path

SIZE: Final = 240
"""The longer side at most, in pixels."""
_QUALITY: Final = 62
_MOST_BYTES: Final = 512 * 2**20


def thumbnail(path: Path, *, max_megapixels: float) -> str | None:
    """The picture at `path` as a data URI; None when it is gone or can no longer be read."""
    try:
        with open_regular(path) as file:
            data = file.read(_MOST_BYTES)
        image = decode(data, max_megapixels=max_megapixels).image
    except (OSError, ValueError, Undecodable):
        return None
    image.thumbnail((SIZE, SIZE), Image.Resampling.LANCZOS)
    small = io.BytesIO()
    image.save(small, "WEBP", quality=_QUALITY, method=4)
    return "data:image/webp;base64," + base64.b64encode(small.getvalue()).decode("ascii")
