"""Decodes an image to 8-bit RGB: the same bytes give the same pixels in training, sorting and reviewing."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from classifier.errors import Undecodable
from classifier.images.probe import open_checked, undecodable
from classifier.records import FailureKind

_ORIENTATION: Final = 0x0112
_TRANSPOSES: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_RETRIED: Final = frozenset({FailureKind.CORRUPT})
_OPAQUE: Final = (255, 255)
_DEEP: Final = frozenset({"I", "F"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """An image in mode RGB, upright; `truncated` if the file has only a part of it."""

    image: Image.Image
    truncated: bool


def decode(data: bytes, *, max_megapixels: float, least: int | None = None) -> Decoded:
    """Decode the first frame of the image in `data`, turned as the file says, on white where transparent.

    An image that cannot be decoded whole is decoded again as far as it goes; missing pixels are black, gray or white,
    in HEIF green.
    With `least`, formats that decode faster at a smaller size (JPEG) may be smaller, with no side below `least` pixels:
    for display, not for a network.

    Raises:
        Undecodable: EMPTY, NOT_A_PICTURE, UNSUPPORTED, CORRUPT, TOO_LARGE or MEMORY, with the reason.

    """
    try:
        with _strict():
            return Decoded(image=_decoded(data, max_megapixels, least), truncated=False)
    except Undecodable as whole:
        if whole.kind not in _RETRIED:
            raise
        try:
            with _allow_truncated():
                return Decoded(image=_decoded(data, max_megapixels, least), truncated=True)
        except Undecodable as part:
            raise (whole if part.kind in _RETRIED else part) from part


def orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1..8; 1 (upright) if there is none or the EXIF data is broken."""
    try:
        turn = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # noqa: BLE001 - broken metadata may raise anything, and affects no pixel
        return 1
    return turn if turn in _TRANSPOSES else 1


def _decoded(data: bytes, max_megapixels: float, least: int | None) -> Image.Image:
    image = open_checked(data, max_megapixels=max_megapixels)
    name = image.format or "picture"
    try:
        if least is not None:
            image.draft(None, (least, least))
        image.load()
        transpose = _TRANSPOSES.get(orientation(image))
        rgb = _to_rgb(image)
        return rgb if transpose is None else rgb.transpose(transpose)
    except Exception as reason:
        raise undecodable(reason, name) from reason


def _to_rgb(image: Image.Image) -> Image.Image:
    """The image in mode RGB, on white where it is transparent; deep color is scaled, not clipped.

    16-bit gray is divided by 257. 32-bit integers are taken as 0..255 if they fit, else as 0..65535 if they fit; floats
    as 0..1 if they fit, else as 0..255 if they fit. Others are stretched from their minimum (black) to their maximum
    (white).
    """
    if image.mode.startswith("I;16") or image.mode in _DEEP:
        return _to_gray(image).convert("RGB")
    if not image.has_transparency_data:
        return image if image.mode == "RGB" else image.convert("RGB")
    rgba = image if image.mode == "RGBA" else image.convert("RGBA")
    rgb, alpha = rgba.convert("RGB"), rgba.getchannel("A")
    if alpha.getextrema() == _OPAQUE:
        return rgb
    flat = Image.new("RGB", image.size, "white")
    flat.paste(rgb, mask=alpha)
    return flat


def _to_gray(image: Image.Image) -> Image.Image:
    values = np.asarray(image)
    if image.mode == "F":
        gray = _scaled(np.nan_to_num(values.astype(np.float64)), ranges=(1.0, 255.0))
    elif image.mode == "I":
        gray = _scaled(values.astype(np.float64), ranges=(255.0, 65535.0))
    else:
        gray = _scaled(values.astype(np.float64), ranges=(65535.0,))
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        gray[values == transparent] = 255
    return Image.fromarray(gray)


def _scaled(values: NDArray[Any], *, ranges: tuple[float, ...]) -> NDArray[np.uint8]:
    """Values as 0..255, from the first of `ranges` (0 to each) that contains all, else from their own range."""
    least, most = float(values.min()), float(values.max())
    low, high = next(((0.0, top) for top in ranges if least >= 0 and most <= top), (least, most))
    span = high - low or 1.0
    return np.rint((values - low) * (255 / span)).astype(np.uint8)


class _SharedLock:
    """Held by any number of threads, or by one thread exclusively.

    Pillow's LOAD_TRUNCATED_IMAGES holds for the whole process: strict decodings share the lock while it is off, and a
    tolerant decoding holds it exclusively while it is on.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._holders = 0

    @contextmanager
    def shared(self) -> Iterator[None]:
        with self._condition:
            self._holders += 1
        try:
            yield
        finally:
            with self._condition:
                self._holders -= 1
                self._condition.notify_all()

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        # The condition's lock is held to the end, so that no other thread can enter.
        with self._condition:
            self._condition.wait_for(lambda: self._holders == 0)
            yield


_lock = _SharedLock()


@contextmanager
def _strict() -> Iterator[None]:
    """Truncated files raise in this context; many threads may be in it."""
    lock = _lock
    with lock.shared():
        yield


@contextmanager
def _allow_truncated() -> Iterator[None]:
    """Truncated files are decoded in this context; one thread at a time, and none in `_strict` meanwhile."""
    with _lock.exclusive():
        before = ImageFile.LOAD_TRUNCATED_IMAGES
        ImageFile.LOAD_TRUNCATED_IMAGES = True
        try:
            yield
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = before


def _reset_after_fork() -> None:
    """A forked child has none of the threads that held the lock, and would wait for them forever."""
    global _lock  # noqa: PLW0603 - one for the process, as Pillow's setting
    _lock = _SharedLock()
    ImageFile.LOAD_TRUNCATED_IMAGES = False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_after_fork)
