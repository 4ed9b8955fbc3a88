"""A repeatable draw of a crawl's pictures, by their names alone; must not know what they are drawn for."""

from __future__ import annotations

import hashlib
import heapq
import os
from collections.abc import Iterable
from pathlib import Path

from classifier.records import ImageFile


def draw(files: Iterable[ImageFile], *, root: Path, count: int, seed: int) -> list[ImageFile]:
    """`count` of `files` under `root` in the order of the draw, by a hash of their names; memory for `count` alone.

    The same names give the same draw, also when others have come since, and a larger draw begins with a smaller one.
    """

    def lot(file: ImageFile) -> bytes:
        return hashlib.sha256(b"%d " % seed + os.fsencode(file.path.relative_to(root))).digest()

    return heapq.nsmallest(count, files, key=lot)
