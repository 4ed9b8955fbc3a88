"""What a picture is called and what it resembles: a hash of its content and a hash of its looks.

Must not know where a picture is kept or what it shows.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import imagehash

from classifier.images.safe_open import image_file, open_regular
from classifier.records import PictureId

if TYPE_CHECKING:
    from pathlib import Path

    from PIL import Image

    from classifier.records import ImageFile


def picture_id(data: bytes) -> PictureId:
    """The id of the picture whose file holds `data`."""
    return PictureId(hashlib.sha256(data).hexdigest())


def hash_file(path: Path) -> tuple[ImageFile, PictureId]:
    """The file as it is now and the id of its content, read in pieces, however large it is.

    The record is taken from the opened file itself, so the two belong together even when `path` is replaced meanwhile.

    Raises:
        OSError: It is not there, may not be read, or is no regular file.

    """
    with open_regular(path) as file:
        status = os.fstat(file.fileno())
        digest = hashlib.file_digest(file, "sha256")
    return image_file(path, status), PictureId(digest.hexdigest())


def perceptual_hash(image: Image.Image) -> int:
    """64 bits that hardly change when a picture is scaled, recompressed or slightly recolored (pHash)."""
    bits = imagehash.phash(image).hash.flatten()
    return int("".join("1" if bit else "0" for bit in bits), 2)


def differing_bits(one: int, other: int) -> int:
    """How many of 64 bits two perceptual hashes differ in: 0 for twins, about 32 for strangers."""
    return (one ^ other).bit_count()
