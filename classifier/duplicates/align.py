"""Fits one look to another: where it was cut, and how its brightness and color were changed, by least squares.

Everything is done for many pairs at once.
"""

# Shapes: N pairs; looks of brightness are (N, 24, 24), of color (N, 8, 8, 2).

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from classifier.images.look import COLOR_SIDE, SIDE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float32]

_STEPS: Final = 2
_MOST_STEP: Final = 0.05
_LEAST_SCALE, _MOST_SCALE, _MOST_SHIFT = 0.8, 1.25, 0.2
_MIDDLE: Final = 128
_RIDGE: Final = 0.02 * SIDE * SIDE
_FREE: Final = 1e-2
"""Keeps the equations of images without any contrast solvable."""
_SATURATION: Final = 1.5
_TINT: Final = 16
_CENTERS: Final = ((np.arange(SIDE) + 0.5) / SIDE).astype(np.float32)


def _unmarked() -> NDArray[np.bool_]:
    cells: NDArray[np.bool_] = np.ones((SIDE, SIDE), bool)
    for rows in (slice(0, 5), slice(-6, None)):
        for columns in (slice(0, 7), slice(-10, None)):
            cells[rows, columns] = False
    cells[-5:] = False
    return cells


UNMARKED: Final = _unmarked()
"""The cells, (24, 24), where no marks and signatures are put: all but the corners and the lower edge."""
_UNMARKED_COLORS: Final = UNMARKED.reshape(COLOR_SIDE, SIDE // COLOR_SIDE, COLOR_SIDE, -1).all(axis=(1, 3))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fit:
    """How well the first look of each pair, cut and changed, is the second.

    `frame` (N, 4) is the part of the first that the second shows: width, left, height, top, as `hashes.Frame`. `tone`
    (N, 3) makes the brightness of the second: constant, linear and squared, of (brightness - 128) / 128. `rest` is what
    remains of the second, 0 where `inside` is 0: what the first does not have, or no whole cell.
    """

    frame: Array
    tone: Array
    rest: Array
    inside: Array
    source: Array
    slopes: Array

    def error(self) -> Array:
        """The mean square of what remains where no marks are put, (N,)."""
        weight = self.inside * UNMARKED
        return np.asarray((self.rest**2 * weight).sum((1, 2)) / weight.sum((1, 2)))

    def shift(self) -> Array:
        """How far an edge of the frame is from that of the whole, in shares of it, (N,)."""
        width, left, height, top = self.frame.T
        edges = np.stack([left, left + width - 1, top, top + height - 1])
        return np.asarray(np.abs(edges).max(axis=0))

    def merged(self, other: Fit, better: NDArray[np.bool_]) -> Fit:
        """This fit, with `other` where it is `better`."""
        return Fit(
            **{
                name: np.where(better.reshape(-1, *[1] * (value.ndim - 1)), getattr(other, name), value)
                for name in Fit.__slots__
                for value in [getattr(self, name)]
            }
        )


def fit_in_place(first: Array, second: Array) -> Fit:
    """The fit of brightness alone, with nothing cut off."""
    whole = np.tile(np.array([1, 0, 1, 0], np.float32), (len(first), 1))
    return _fit(first, second, whole, border=0)


def fit_cut(first: Array, second: Array, start: Array, *, steps: int = _STEPS) -> Fit:
    """The fit that is best near the frames `start` (N, 4); for smoothed looks, whose outermost cells do not count."""
    fit = _fit(first, second, start, border=1)
    best, error = fit, fit.error()
    for _ in range(steps):
        fit = _fit(first, second, _improved(fit), border=1)
        better = fit.error() < error
        best, error = best.merged(fit, better), np.where(better, fit.error(), error)
    return best


def smooth(looks: Array) -> Array:
    """Each cell averaged with its neighbors: what is cut falls between cells, and is interpolated."""
    side = looks.shape[1]
    for axis in (1, 2):
        wide = np.concatenate([looks.take([0], axis), looks, looks.take([-1], axis)], axis)
        before, here, after = (wide.take(range(start, start + side), axis) for start in range(3))
        looks = (before + 2 * here + after) / 4
    return looks


def slopes_of(brightness: Array) -> Array:
    """How steeply the brightness changes at each cell: across and down, (N, 24, 24, 2)."""
    slopes = np.zeros((*brightness.shape, 2), np.float32)
    slopes[:, :, 1:-1, 0] = (brightness[:, :, 2:] - brightness[:, :, :-2]) / 2
    slopes[:, 1:-1, :, 1] = (brightness[:, 2:] - brightness[:, :-2]) / 2
    return slopes


def correlation(first: Array, second: Array, frames: Array) -> Array:
    """How alike the second looks and these parts of the first are where no marks are put, up to 1, (N,)."""
    (down, _), (across, _) = (_sampling(frames[:, k], frames[:, k + 1], SIDE) for k in (2, 0))
    counted = UNMARKED.copy()
    counted[[0, -1]] = counted[:, [0, -1]] = False
    one, other = (down @ first @ across.transpose(0, 2, 1))[:, counted], second[:, counted]
    one, other = one - one.mean(axis=1, keepdims=True), other - other.mean(axis=1, keepdims=True)
    power = (one**2).sum(axis=1) * (other**2).sum(axis=1)
    return np.asarray((one * other).sum(axis=1) / np.sqrt(power).clip(1e-3))


def color_difference(first: Array, second: Array, frame: Array, *, border: int = 0) -> Array:
    """The largest difference of color in any cell, (N,), once the first is cut, saturated and tinted as the second.

    Where marks are put it does not count. With `border`, both are smoothed, and the outermost cells do not count.
    """
    if border:
        first, second = smooth(first), smooth(second)
    (down, rows), (across, columns) = (_sampling(frame[:, k], frame[:, k + 1], COLOR_SIDE) for k in (2, 0))
    cut = np.einsum("nij,njkc,nlk->nilc", down, first, across, optimize=True)
    inside = _without_border(rows[:, :, None] & columns[:, None, :] & _UNMARKED_COLORS, border)[..., None]
    count = inside.sum((1, 2))
    mean, target = (cut * inside).sum((1, 2)) / count, (second * inside).sum((1, 2)) / count
    spread = (cut - mean[:, None, None]) * inside
    wanted = (second - target[:, None, None]) * inside
    power = (spread**2).sum((1, 2, 3))
    saturation = np.clip(((spread * wanted).sum((1, 2, 3)) + _FREE) / (power + _FREE), 0, _SATURATION)
    evenly = np.clip(np.abs(target).sum(1) / np.maximum(np.abs(mean).sum(1), 4), 0, _SATURATION)
    saturation = np.where(power < 4 * COLOR_SIDE**2, evenly, saturation)[:, None]
    tint = np.clip(target - saturation * mean, -_TINT, _TINT)[:, None, None]
    return np.asarray(np.abs((second - saturation[..., None, None] * cut - tint) * inside).max((1, 2, 3)))


def _fit(first: Array, second: Array, frame: Array, *, border: int) -> Fit:
    (down, rows), (across, columns) = (_sampling(frame[:, k], frame[:, k + 1], SIDE) for k in (2, 0))
    source: Array = np.asarray(down @ first @ across.transpose(0, 2, 1), np.float32)
    inside = _without_border(rows[:, :, None] & columns[:, None, :], border)
    powers = _powers(source)
    weight = inside * UNMARKED
    weighted = (powers * weight[..., None]).reshape(len(first), -1, 3)
    normal = weighted.transpose(0, 2, 1) @ weighted + np.diag([_FREE, _FREE, _RIDGE]).astype(np.float32)
    right = weighted.transpose(0, 2, 1) @ (second * weight).reshape(len(first), -1, 1)
    tone = np.linalg.solve(normal, right)[..., 0]
    rest = (second - (powers @ tone[:, None, :, None])[..., 0]) * inside
    return Fit(frame=frame, tone=tone, rest=rest, inside=inside, source=source, slopes=slopes_of(source))


def _improved(fit: Fit) -> Array:
    """The frames after a step of Gauss and Newton's method, with the tones as free as in the fit."""
    rise = (fit.tone[:, 1] / _MIDDLE)[:, None, None, None] + (
        2 * fit.tone[:, 2, None, None] * (fit.source - _MIDDLE) / _MIDDLE**2
    )[..., None]
    slopes = fit.slopes * rise * (SIDE / np.maximum(fit.frame[:, None, None, ::2], 0.5))
    across, down = slopes[..., 0], slopes[..., 1]
    by_frame = [across * _CENTERS, across, down * _CENTERS[:, None], down]
    columns = np.concatenate([np.stack(by_frame, -1), _powers(fit.source)], -1)
    columns *= (fit.inside * UNMARKED)[..., None]
    columns = columns.reshape(len(fit.frame), -1, 7)
    normal = columns.transpose(0, 2, 1) @ columns
    size = np.trace(normal[:, :4, :4], axis1=1, axis2=2)[:, None]
    normal[:, range(4), range(4)] += 2.5e-4 * size + 0.1
    normal[:, range(4, 7), range(4, 7)] += _RIDGE
    right = columns.transpose(0, 2, 1) @ fit.rest.reshape(len(fit.frame), -1, 1)
    step = np.clip(np.linalg.solve(normal, right)[:, :4, 0], -_MOST_STEP, _MOST_STEP)
    moved: Array = fit.frame + step
    moved[:, ::2] = moved[:, ::2].clip(_LEAST_SCALE, _MOST_SCALE)
    moved[:, 1::2] = moved[:, 1::2].clip(-_MOST_SHIFT, _MOST_SHIFT)
    return moved


def _powers(brightness: Array) -> Array:
    """Constant, linear and squared brightness, (N, 24, 24, 3)."""
    scaled = (brightness - _MIDDLE) / _MIDDLE
    return np.stack([np.ones_like(scaled), scaled, scaled**2], -1)


def _sampling(scale: Array, start: Array, side: int) -> tuple[Array, NDArray[np.bool_]]:
    """The matrices that cut a part of a row, (N, side, side), and which of its cells the row has, (N, side)."""
    at = (start[:, None] + scale[:, None] * ((np.arange(side) + 0.5) / side)) * side - 0.5
    has = (at >= -0.5) & (at <= side - 0.5)  # noqa: PLR2004 - the edges of the row, in cells
    at = at.clip(0, side - 1)
    left = np.minimum(at.astype(np.int64), side - 2)
    matrix = np.zeros((len(scale), side, side), np.float32)
    pair, row = np.arange(len(scale))[:, None], np.arange(side)
    matrix[pair, row, left] = 1 - (at - left)
    matrix[pair, row, left + 1] += at - left
    return matrix, has


def _without_border(inside: NDArray[np.bool_], border: int) -> Array:
    kept = np.zeros(inside.shape, np.float32)
    middle = slice(border, inside.shape[1] - border)
    kept[:, middle, middle] = inside[:, middle, middle]
    return kept
