"""Turns a picture of any of Pillow's modes into 8-bit RGB: transparency on white, deep color scaled and not clipped.

Must not know files or formats.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_DEEP: Final = frozenset({"I", "F"})


def as_rgb(image: Image.Image) -> Image.Image:
    """The same picture in mode RGB, on white where it is transparent.

    16-bit grey is divided by 257. 32-bit integers are taken as 0..255 when they fit, else as 0..65535 when they fit;
    floats as 0..1 when they fit, else as 0..255 when they fit; what fits neither is stretched from its least value
    (black) to its greatest (white).
    """
    if image.mode.startswith("I;16") or image.mode in _DEEP:
        return _grey(image).convert("RGB")
    if not image.has_transparency_data:
        return image if image.mode == "RGB" else image.convert("RGB")
    layered = image if image.mode == "RGBA" else image.convert("RGBA")
    flat = Image.new("RGB", image.size, "white")
    flat.paste(layered.convert("RGB"), mask=layered.getchannel("A"))
    return flat


def _grey(image: Image.Image) -> Image.Image:
    values = np.asarray(image)
    if image.mode == "F":
        grey = _scaled(np.nan_to_num(values.astype(np.float64)), ranges=(1.0, 255.0))
    elif image.mode == "I":
        grey = _scaled(values.astype(np.float64), ranges=(255.0, 65535.0))
    else:
        grey = _scaled(values.astype(np.float64), ranges=(65535.0,))
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        grey[values == transparent] = 255
    return Image.fromarray(grey)


def _scaled(values: NDArray[Any], *, ranges: tuple[float, ...]) -> NDArray[np.uint8]:
    """0..255 out of the first of `ranges` (0 to so much) that holds every value, else out of the values' own range."""
    least, most = float(values.min()), float(values.max())
    low, high = next(((0.0, top) for top in ranges if least >= 0 and most <= top), (least, most))
    span = high - low or 1.0
    return np.rint((values - low) * (255 / span)).astype(np.uint8)
