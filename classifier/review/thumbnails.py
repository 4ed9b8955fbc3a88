"""Pictures as the page shows them: found by id, decoded as everywhere, re-encoded; the small ones are kept on disk.

Only content that a sort has decoded already, in a process that it could kill, is decoded here: the file must still
have the hash that it had then.
"""

from __future__ import annotations

import os
import threading
from io import BytesIO
from typing import TYPE_CHECKING, Final

from classifier.catalogue.disk import state_folder
from classifier.errors import Undecodable
from classifier.images.decode import decode
from classifier.images.identity import picture_id
from classifier.images.regular import open_regular

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.records import PictureId

SMALL: Final = 320
LARGE: Final = 1600
"""Longest side in pixels."""
_QUALITY: Final = {SMALL: 82, LARGE: 88}


def thumbnail(library: Path, picture: PictureId, path: Path, *, side: int, max_megapixels: float) -> bytes | None:
    """The picture as a JPEG of at most `side` pixels; None when `path` does not hold it any more.

    Small ones are kept in the library's state folder, which may be emptied at any time.
    """
    kept = state_folder(library) / "thumbnails" / picture[:2] / f"{picture}.jpg"
    if side == SMALL and kept.is_file():
        return kept.read_bytes()
    made = _made(picture, path, side=side, max_megapixels=max_megapixels)
    if made is not None and side == SMALL:
        _keep(kept, made)
    return made


def _made(picture: PictureId, path: Path, *, side: int, max_megapixels: float) -> bytes | None:
    try:
        with open_regular(path) as file:
            data = file.read()
        if picture_id(data) != picture:
            return None
        image = decode(data, max_megapixels=max_megapixels).image
    except (OSError, Undecodable):
        return None
    image.thumbnail((side, side), reducing_gap=2.0)
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=_QUALITY.get(side, 85))
    return buffer.getvalue()


def _keep(path: Path, data: bytes) -> None:
    """Whole or not at all; on a full disk the picture is shown all the same."""
    part = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(data)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
