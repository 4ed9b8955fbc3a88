"""What an image looks like in 704 bytes: brightness in 24 x 24 cells and color in 8 x 8, by which copies are found.

A copy of another size or compression has nearly the same look, and one that was cut or recolored a look that can be
calculated from the other. The same pixels give the same look, whatever decoded them.
"""

# Shapes: N looks.

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE: Final = 24
COLOR_SIDE: Final = 8
LOOK_BYTES: Final = SIDE * SIDE + COLOR_SIDE * COLOR_SIDE * 2


def look_of_cells(cells: NDArray[np.uint8]) -> bytes:
    """The look of an image that was resized to (24, 24, 3), RGB."""
    small = Image.fromarray(cells)
    luma = np.asarray(small.convert("YCbCr"))[..., 0]
    color = np.asarray(small.reduce(SIDE // COLOR_SIDE).convert("YCbCr"))[..., 1:]
    return luma.tobytes() + color.tobytes()


def luma_of(looks: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The brightness of looks (N, 704), 0 to 255: (N, 24, 24)."""
    return looks[:, : SIDE * SIDE].reshape(-1, SIDE, SIDE).astype(np.float32)


def color_of(looks: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The color of looks (N, 704), Cb and Cr about 0: (N, 8, 8, 2)."""
    return looks[:, SIDE * SIDE :].reshape(-1, COLOR_SIDE, COLOR_SIDE, 2).astype(np.float32) - 128
