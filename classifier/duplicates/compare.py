"""Tells a copy from a variant: what differs after one look is cut and recolored as the other, and where.

A copy that was resized or compressed differs hardly anywhere; one that was cut or recolored a little everywhere, along
its lines; one with a mark only in a corner or at the lower edge. Another face or other clothes differ in the middle.
The limits are measured (docs/LOG.md).
"""

# Shapes: P pictures, N pairs.

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from threadpoolctl import threadpool_limits

from classifier.duplicates.align import UNMARKED, color_difference, correlation, fit_cut, fit_in_place, smooth
from classifier.images.look import LOOK_BYTES, color_of, luma_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from classifier.duplicates.align import Array, Fit

    Flags = NDArray[np.bool_]
    Indices = NDArray[np.integer[Any]]

_AT_ONCE: Final = 512
THREADS: Final = 2
_MOVED: Final = 0.01
"""Edges that are further away than this share of the side were cut."""
_DRIFT: Final = 0.025
"""Edges that are further away than this were not only fitted to another tone."""
_PLAIN: Final = 7.0
"""Gray levels that a cell of a resized or compressed copy may differ by; twice as many where an image is tiny."""
_TINY: Final = 128
_ASPECT: Final = 0.03
_ROUNDING: Final = 2
_LEAST_CONTRAST: Final = 13.0
"""In flatter images, such as sheets of small sprites, a change of tone looks as one of what is drawn."""
_ALIKE: Final = 0.97
"""Least correlation of two looks that are compared further: of cut and recolored copies, 97% have more."""
_NEAR: Final = 0.93
"""Least correlation of near-duplicates, among which are variants: of those that differ in a quarter, 84% have more."""
_SAME_COLORS: Final = 16
_MARKED: Final = 34
"""Cells that a mark may cover."""
_WHOLE: Final = np.array([1, 0, 1, 0], np.float32)
_MARKS: Final = ~UNMARKED[:-1, :-1]
"""Blocks of 2 x 2 cells where marks and signatures are put."""
_STEEPNESS: Final = (0.25, 2.5)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pictures:
    """Looks uint8 (P, 704) and sizes in pixels (P, 2), width first."""

    looks: NDArray[np.uint8]
    sizes: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.looks)

    def part(self, numbers: Indices) -> Pictures:
        """Those with these numbers, in this order."""
        return Pictures(looks=self.looks[numbers], sizes=self.sizes[numbers])


def pictures_of(looks: Sequence[bytes], sizes: Sequence[tuple[int, int]]) -> Pictures:
    """Pictures with these looks and sizes."""
    return Pictures(
        looks=np.frombuffer(b"".join(looks), np.uint8).reshape(-1, LOOK_BYTES),
        sizes=np.array(sizes, np.int64).reshape(-1, 2),
    )


def no_pictures() -> Pictures:
    """None at all."""
    return pictures_of((), ())


def are_copies(pictures: Pictures, first: Indices, second: Indices, frames: NDArray[np.float32]) -> Flags:
    """Whether the pictures `first` and `second` (N,) are copies of one; `frames` (N, 4) say where a cut is sought."""
    return _in_parts(lambda part: _judge(pictures, first[part], second[part], frames[part]), len(first))


def are_near(pictures: Pictures, first: Indices, second: Indices, frames: NDArray[np.float32]) -> Flags:
    """Whether they are copies or variants of one, such as the same drawing with another face or in other colors."""
    return _in_parts(
        lambda part: _Pair(pictures, first[part], second[part]).are_alike(frames[part], least=_NEAR), len(first)
    )


def _in_parts(judge: Callable[[slice], Flags], count: int) -> Flags:
    parts = [slice(start, start + _AT_ONCE) for start in range(0, count, _AT_ONCE)]
    with threadpool_limits(1), ThreadPoolExecutor(THREADS) as threads:
        return np.concatenate([np.empty(0, bool), *threads.map(judge, parts)])


def have_proportions(pictures: Pictures, first: Indices, second: Indices, frames: NDArray[np.float32]) -> Flags:
    """Whether the second picture of each pair is about as wide for its height as this part of the first; cheap."""
    sizes = pictures.sizes[first].clip(1), pictures.sizes[second].clip(1)
    aspects = [np.log(size[:, 0] / size[:, 1]) for size in sizes]
    least = np.minimum(sizes[0].min(axis=1), sizes[1].min(axis=1))
    apart = np.abs(aspects[1] - aspects[0] - np.log(frames[..., 0] / frames[..., 2]))
    return np.asarray(apart < 2 * _ASPECT + _ROUNDING / least)


def _judge(pictures: Pictures, first: Indices, second: Indices, frames: NDArray[np.float32]) -> Flags:
    found: Flags = np.zeros(len(first), bool)
    alike = np.flatnonzero(have_proportions(pictures, first, second, frames))
    alike = alike[_Pair(pictures, first[alike], second[alike]).are_alike(frames[alike], least=_ALIKE)]
    whole = alike[(frames[alike] == _WHOLE).all(axis=1)]
    if len(whole):
        found[whole] = _Pair(pictures, first[whole], second[whole]).are_resized()
    rest = alike[~found[alike]]
    if len(rest):
        found[rest] = _Pair(pictures, first[rest], second[rest]).are_changed(frames[rest])
    return found


class _Pair:
    """Pairs of pictures with what their comparison needs."""

    def __init__(self, pictures: Pictures, first: Indices, second: Indices) -> None:
        self._looks = luma_of(pictures.looks[first]), luma_of(pictures.looks[second])
        self._colors = color_of(pictures.looks[first]), color_of(pictures.looks[second])
        sizes = pictures.sizes[first].clip(1), pictures.sizes[second].clip(1)
        self._least = np.minimum(*(size.min(axis=1) for size in sizes))
        aspects = [np.log(size[:, 0] / size[:, 1]) for size in sizes]
        self._stretch = aspects[1] - aspects[0]

    def are_alike(self, frames: NDArray[np.float32], *, least: float) -> Flags:
        """Whether the second is about this part of the first, but for tone and marks: the cheap test of all."""
        near: Flags = correlation(smooth(self._looks[0]), smooth(self._looks[1]), frames) >= least
        left = np.flatnonzero(near)
        if len(left):
            near[left] = self._color_difference(left, frames, border=1) <= _SAME_COLORS
        return near

    def are_resized(self) -> Flags:
        """Whether nothing but size, compression and saturation differs, or a mark."""
        fit = fit_in_place(*self._looks)
        seen = _Seen(fit, self._looks[1])
        limit = _PLAIN * np.clip(_TINY / self._least, 1, 2)
        same = seen.most_elsewhere <= np.minimum(limit, np.maximum(3, 0.5 * seen.contrast))
        same &= ~_is_toned(fit) & seen.is_steep & (seen.marked(limit) <= _MARKED)
        return self._fits(fit, same, color=10, border=0)

    def are_changed(self, frames: NDArray[np.float32]) -> Flags:
        """Whether one is a cut or a recolored copy of the other."""
        second = smooth(self._looks[1])
        fit = fit_cut(smooth(self._looks[0]), second, frames)
        seen = _Seen(fit, second)
        is_cut = self._fits(fit, seen.is_cut(), color=12, border=1)
        is_toned = seen.is_toned()
        left = np.flatnonzero(is_toned)
        if len(left):
            is_toned[left] = _is_toned(fit_in_place(*(looks[left] for looks in self._looks)))
        return is_cut | self._fits(fit, is_toned, color=10, border=0)

    def _fits(self, fit: Fit, same: Flags, *, color: float, border: int) -> Flags:
        """Those of `same` whose proportions and colors agree as well."""
        cut = np.log(fit.frame[:, 0] / fit.frame[:, 2])
        same = same & (np.abs(self._stretch - cut) < _ASPECT + np.abs(cut) / 4 + _ROUNDING / self._least)
        left = np.flatnonzero(same)
        if len(left):
            same[left] = self._color_difference(left, fit.frame, border=border) <= color
        return same

    def _color_difference(self, left: Indices, frames: NDArray[np.float32], *, border: int) -> Array:
        first, second = self._colors
        return color_difference(first[left], second[left], frames[left], border=border)


class _Seen:
    """What remains after a fit, and where."""

    def __init__(self, fit: Fit, second: Array) -> None:
        self._fit = fit
        self._rest = np.where(_blocks(fit.inside) < 1, 0, np.abs(_blocks(fit.rest)))
        steep = _blocks(np.abs(fit.slopes).sum(-1))
        elsewhere = np.where(_MARKS, 0, self._rest)
        self.most_elsewhere = elsewhere.max((1, 2))
        self.most_along_lines = (elsewhere / (3 + 0.25 * steep)).max((1, 2))
        count = fit.inside.sum((1, 2)).clip(1)
        mean = (second * fit.inside).sum((1, 2)) / count
        variance = (((second - mean[:, None, None]) * fit.inside) ** 2).sum((1, 2)) / count
        unmarked = fit.inside * UNMARKED
        error = (fit.rest**2 * unmarked).sum((1, 2)) / unmarked.sum((1, 2)).clip(1)
        self.contrast = np.sqrt(variance)
        self.agreement = 1 - error / variance.clip(1e-3)
        rise = (fit.tone[:, 1, None, None] + 2 * fit.tone[:, 2, None, None] * (fit.source - 128) / 128) / 128
        self.is_steep = (rise.min((1, 2)) > _STEEPNESS[0]) & (rise.max((1, 2)) < _STEEPNESS[1])

    def marked(self, limit: NDArray[np.float64]) -> Indices:
        """How many cells differ where marks are put."""
        return np.asarray(((self._rest > limit[:, None, None]) & _MARKS).sum((1, 2)))

    def is_cut(self) -> Flags:
        """Whether a border was cut off, with the tone kept."""
        constant, linear, squared = self._fit.tone.T
        kept = (np.abs(linear - 132) <= 22) & (np.abs(constant - 128) <= 12) & (np.abs(squared) <= 10)  # noqa: PLR2004
        kept &= self._fit.shift() > _MOVED
        return np.asarray(kept & self._is_near(most=18, share=0.45, along=2.1, agreement=0.975))

    def is_toned(self) -> Flags:
        """Whether the tone was changed, with nothing cut off."""
        toned = _is_toned(self._fit) & (self._fit.shift() <= _DRIFT)
        return toned & self._is_near(most=17, share=0.4, along=2.6, agreement=0.97)

    def _is_near(self, *, most: float, share: float, along: float, agreement: float) -> Flags:
        near = self.most_elsewhere <= np.minimum(most, share * self.contrast)
        near &= (
            (self.contrast >= _LEAST_CONTRAST)
            & (self.most_along_lines <= along)
            & (self.agreement >= agreement)
            & self.is_steep
        )
        return np.asarray(near & (self.marked(np.full(len(near), _PLAIN)) <= _MARKED))


def _is_toned(fit: Fit) -> Flags:
    constant, linear, squared = fit.tone.T
    return np.asarray((np.abs(linear - 128) > 8) | (np.abs(constant - 128) > 6) | (np.abs(squared) > 8))  # noqa: PLR2004


def _blocks(values: Array) -> Array:
    """Means of 2 x 2 cells, (N, 23, 23)."""
    return np.asarray((values[:, 1:, 1:] + values[:, :-1, 1:] + values[:, 1:, :-1] + values[:, :-1, :-1]) / 4)
