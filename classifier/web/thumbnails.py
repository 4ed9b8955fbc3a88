"""Pictures as the page shows them: read where they lie, decoded as everywhere, re-encoded as a JPEG.

Only content that a sort has decoded already, in a process that it could kill, or a training as a label, is decoded
here: the file must still have the hash that it had then. Must not know the web, the catalog, or where small ones are
kept.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Final

from classifier.errors import Undecodable
from classifier.images.decode import decode
from classifier.images.hashing import picture_id
from classifier.images.safe_open import read_picture

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.records import PictureId

SMALL: Final = 320
LARGE: Final = 1600
"""Longest side in pixels."""
_QUALITY: Final = {SMALL: 82, LARGE: 88}


def thumbnail(picture: PictureId, path: Path, *, side: int, max_megapixels: float) -> bytes | None:
    """The picture as a JPEG of at most `side` pixels; None when `path` does not hold it any more."""
    try:
        data = read_picture(path, max_megapixels=max_megapixels)
        if picture_id(data) != picture:
            return None
        image = decode(data, max_megapixels=max_megapixels, least=2 * side).image
    except (OSError, Undecodable):
        return None
    image.thumbnail((side, side), reducing_gap=2.0)
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=_QUALITY.get(side, 85))
    return buffer.getvalue()
