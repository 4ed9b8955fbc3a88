"""Hashes of images: by content, and by name for a repeatable sample."""

from __future__ import annotations

import hashlib
import heapq
import os
from typing import TYPE_CHECKING

from classifier.images.safe_open import image_file, open_regular
from classifier.records import ImageId

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from classifier.records import ImageFile


def hash_bytes(data: bytes) -> ImageId:
    """The id of the image whose file contains `data`."""
    return ImageId(hashlib.sha256(data).hexdigest())


def hash_file(path: Path) -> tuple[ImageFile, ImageId]:
    """The file as it is now and the id of its content; reads in chunks, so any size fits in memory.

    The record is of the opened file, so that both belong together even if `path` is replaced meanwhile.

    Raises:
        OSError: It is missing, unreadable, or not a regular file.

    """
    with open_regular(path) as file:
        status = os.fstat(file.fileno())
        digest = hashlib.file_digest(file, "sha256")
    return image_file(path, status), ImageId(digest.hexdigest())


def sample_by_hash(files: Iterable[ImageFile], *, root: Path, count: int, seed: int) -> list[ImageFile]:
    """`count` of `files` under `root`, in the order of a seeded hash of their names; holds only `count` in memory.

    The same names give the same sample, also after others were added, and a larger sample begins with a smaller one.
    """

    def order(file: ImageFile) -> bytes:
        return hashlib.sha256(b"%d " % seed + os.fsencode(file.path.relative_to(root))).digest()

    return heapq.nsmallest(count, files, key=order)
