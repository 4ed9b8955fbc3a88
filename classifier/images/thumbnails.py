"""Images made small and encoded anew as JPEG, so that nothing of the original file but its pixels is shown."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from classifier.errors import Undecodable
from classifier.images.decode import decode
from classifier.images.hashing import hash_bytes
from classifier.images.safe_open import read_image_file

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.records import ImageId


def thumbnail(image_id: ImageId, path: Path, *, side: int, max_megapixels: float, quality: int = 85) -> bytes | None:
    """The image as a JPEG of at most `side` pixels; None if `path` no longer holds it.

    Only for content that was decoded before, in a process that can be killed.
    """
    try:
        data = read_image_file(path, max_megapixels=max_megapixels)
        if hash_bytes(data) != image_id:
            return None
        image = decode(data, max_megapixels=max_megapixels, least=2 * side).image
    except (OSError, Undecodable):
        return None
    image.thumbnail((side, side), reducing_gap=2.0)
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()
