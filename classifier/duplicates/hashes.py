"""64-bit hashes of looks: of the whole image, and of what is left of it when a border is cut off."""

# Shapes: N looks.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from classifier.images.look import SIDE

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WAVES: Final = 8


@dataclass(frozen=True, slots=True)
class Frame:
    """A part of an image, in shares of its width and height."""

    width: float
    left: float
    height: float
    top: float

    def as_array(self) -> NDArray[np.float32]:
        """Width, left, height, top."""
        return np.array([self.width, self.left, self.height, self.top], np.float32)


WHOLE: Final = Frame(1, 0, 1, 0)


def _sides(cut: float) -> tuple[Frame, ...]:
    rest = 1 - cut
    return Frame(rest, cut, 1, 0), Frame(rest, 0, 1, 0), Frame(1, 0, rest, cut), Frame(1, 0, rest, 0)


CUTS: Final = (Frame(0.9, 0.05, 0.9, 0.05), *_sides(0.04), *_sides(0.1))
"""What is left when something is cut off all round or at one side; other cuts are near one of these or WHOLE."""
INNER: Final = Frame(0.8, 0.1, 0.8, 0.1)
"""Without the border, where marks are put."""


def waves_of(luma: NDArray[np.float32], frame: Frame = WHOLE) -> NDArray[np.float32]:
    """The 64 slowest waves (N, 64) of a part of each look (N, 24, 24), the slowest first."""
    across = _waves() @ _sampling(frame.left, frame.width)
    down = _waves() @ _sampling(frame.top, frame.height)
    return (down @ luma @ across.T).reshape(len(luma), -1)


def hashes_of(waves: NDArray[np.float32]) -> NDArray[np.uint64]:
    """A hash (N,) of each look by its waves: each above their median or not."""
    bits = waves > np.median(waves, axis=1, keepdims=True)
    return np.packbits(bits, axis=1).view(">u8")[:, 0].astype(np.uint64)


def directions_of(waves: NDArray[np.float32]) -> NDArray[np.float16]:
    """The waves without brightness and contrast, (N, 63): the product of two is near 1 where images are alike."""
    shape = waves[:, 1:]
    return np.asarray(shape / np.linalg.norm(shape, axis=1, keepdims=True).clip(1e-3), dtype=np.float16)


def _waves() -> NDArray[np.float32]:
    """The first waves of the cosine transform, (8, 24)."""
    angles = (np.arange(SIDE) + 0.5) * (np.pi / SIDE)
    return np.cos(np.outer(np.arange(_WAVES), angles)).astype(np.float32)


def _sampling(start: float, length: float) -> NDArray[np.float32]:
    """The matrix that enlarges a part of a row to the whole of it, linearly, (24, 24)."""
    rows = np.arange(SIDE)
    at = np.clip((start + length * (rows + 0.5) / SIDE) * SIDE - 0.5, 0, SIDE - 1)
    left = np.minimum(at.astype(np.int64), SIDE - 2)
    matrix = np.zeros((SIDE, SIDE), np.float32)
    matrix[rows, left] = 1 - (at - left)
    matrix[rows, left + 1] += at - left
    return matrix
