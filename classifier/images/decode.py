"""The one exact decoding: the same bytes give the same pixels in learning, sorting and reviewing.

Must not know paths, models or what the pixels are for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from PIL import Image

from classifier.errors import Undecodable
from classifier.images.color import as_rgb
from classifier.images.probe import open_checked, undecodable
from classifier.images.truncated import strict, tolerant
from classifier.records import FailureKind

__all__ = ["Decoded", "decode", "open_checked", "orientation"]

_ORIENTATION: Final = 0x0112
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_MENDABLE: Final = frozenset({FailureKind.CORRUPT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """A picture as a person sees it, in mode RGB; `truncated` when only a part of it was there."""

    image: Image.Image
    truncated: bool


def decode(data: bytes, *, max_megapixels: float, least: int | None = None) -> Decoded:
    """Decode the first frame of the picture in `data`, turned as its EXIF says, on white where transparent.

    What cannot be decoded whole is tried once more as far as it goes; missing pixels are then black, grey or white.
    `least` (pixels) lets it come out smaller where that is quicker, as for a JPEG, with no side shorter than that: for
    eyes alone, never for a network.

    Raises:
        Undecodable: EMPTY, NOT_A_PICTURE, UNSUPPORTED, CORRUPT, TOO_LARGE or MEMORY, with the reason as a sentence.

    """
    try:
        with strict():
            return Decoded(image=_seen(data, max_megapixels, least), truncated=False)
    except Undecodable as whole:
        if whole.kind not in _MENDABLE:
            raise
        try:
            with tolerant():
                return Decoded(image=_seen(data, max_megapixels, least), truncated=True)
        except Undecodable as part:
            raise (whole if part.kind in _MENDABLE else part) from part


def orientation(image: Image.Image) -> int:
    """How EXIF says the picture is to be turned, 1..8; 1, as it is, also where EXIF is broken."""
    try:
        turn = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # noqa: BLE001 - broken metadata may raise anything, and spoils no pixel
        return 1
    return turn if turn in _TURNS else 1


def _seen(data: bytes, max_megapixels: float, least: int | None) -> Image.Image:
    image = open_checked(data, max_megapixels=max_megapixels)
    name = image.format or "picture"
    try:
        if least is not None:
            image.draft(None, (least, least))
        image.load()
        turn = _TURNS.get(orientation(image))
        flat = as_rgb(image)
        return flat if turn is None else flat.transpose(turn)
    except Exception as reason:
        raise undecodable(reason, name) from reason
