"""Groups of copies among many pictures: each is a copy of the best of its group, so variants never join by way of one.

Pictures are given best first; an index is its rank.
"""

# Shapes: P pictures, N pairs, F frames.

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from classifier.duplicates.compare import THREADS, are_copies, have_proportions
from classifier.duplicates.hashes import CUTS, INNER, WHOLE, directions_of, hashes_of, waves_of
from classifier.duplicates.search import MOST_BITS, close_pairs
from classifier.images.look import luma_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from classifier.duplicates.compare import Pictures
    from classifier.duplicates.hashes import Frame

    Indices = NDArray[np.integer[Any]]

_AT_ONCE: Final = 4096
_FRAMES: Final = (WHOLE, *CUTS, INNER)
_STARTS: Final = np.array([frame.as_array() for frame in (WHOLE, *CUTS, WHOLE)])
"""Where a cut is sought for each frame; what is alike without its border need not be cut."""
_LEAST: Final = 0.96
"""Least product of directions of two pictures that are compared."""


def find_groups(pictures: Pictures) -> list[list[int]]:
    """The groups of two and more, as indices: the best first in each, and groups in the order of their best."""
    links = _Links(pictures)
    free: NDArray[np.bool_] = np.ones(len(pictures), bool)
    groups = []
    for best in links.linked():
        members = links.copies_of(best, free) if free[best] else []
        if members:
            groups.append([best, *members])
            free[groups[-1]] = False
    return groups


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Hashed:
    """The hashes (P,) and directions (P, 63) of one frame of all pictures."""

    hashes: NDArray[np.uint64]
    directions: NDArray[np.float16]


def _hashed(looks: NDArray[np.uint8], frame: Frame) -> _Hashed:
    hashes, directions = np.empty(len(looks), np.uint64), np.empty((len(looks), 63), np.float16)
    for start in range(0, len(looks), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        waves = waves_of(luma_of(looks[part]), frame)
        hashes[part], directions[part] = hashes_of(waves), directions_of(waves)
    return _Hashed(hashes=hashes, directions=directions)


class _Links:
    """Which pictures are copies of which: by their hashes at first, then by those that two have in common."""

    def __init__(self, pictures: Pictures) -> None:
        self._pictures = pictures
        self._whole = _hashed(pictures.looks, WHOLE)
        self._known: dict[int, set[int]] = {}
        with ThreadPoolExecutor(THREADS) as threads:
            for start, pairs in zip(_STARTS, threads.map(self._pairs, _FRAMES), strict=True):
                first, second = self._new(pairs)
                found = are_copies(pictures, first, second, np.tile(start, (len(first), 1)))
                self._link(first[found].tolist(), second[found].tolist())

    def linked(self) -> list[int]:
        """Every picture that has a copy, best first."""
        return sorted(self._known)

    def copies_of(self, best: int, free: NDArray[np.bool_]) -> list[int]:
        """The free pictures that are copies of this one; copies of its copies are compared with it as well."""
        direct = self._known[best]
        linked = direct.union(*(self._known[near] for near in direct))
        left = {one for one in linked if one > best and free[one]}
        return sorted((left & direct) | self._compared(best, sorted(left - direct)))

    def _new(self, pairs: Indices) -> Indices:
        """Those of the pairs (2, N) that are not linked."""
        known = (other in self._known.get(one, ()) for one, other in zip(*pairs.tolist(), strict=True))
        return pairs[:, ~np.fromiter(known, bool, pairs.shape[1])]

    def _link(self, first: Sequence[int], second: Sequence[int]) -> None:
        for one, other in zip(first, second, strict=True):
            self._known.setdefault(one, set()).add(other)
            self._known.setdefault(other, set()).add(one)

    def _compared(self, best: int, others: Sequence[int]) -> set[int]:
        if not others:
            return set()
        numbers = np.array([best, *others])
        found = copies_of_first(self._pictures.part(numbers))
        return set(numbers[1:][found].tolist())

    def _pairs(self, frame: Frame) -> Indices:
        """The pairs (2, N) of which the second may be this part of the first, once where the frame is of both."""
        start = (WHOLE if frame is INNER else frame).as_array()
        own = self._whole if frame is WHOLE else _hashed(self._pictures.looks, frame)
        others = own if frame is INNER else self._whole
        found = [np.empty((2, 0), np.int64)]
        for first, second in close_pairs(own.hashes, others.hashes, bits=MOST_BITS):
            kept = first < second if frame in {WHOLE, INNER} else first != second
            one, other = first[kept], second[kept]
            fitting = have_proportions(self._pictures, one, other, start)
            one, other = one[fitting], other[fitting]
            if frame is INNER:  # those that are near as a whole were compared
                apart = np.bitwise_count(self._whole.hashes[one] ^ self._whole.hashes[other]) > MOST_BITS
                one, other = one[apart], other[apart]
            near = np.flatnonzero(_products(own.directions, one, others.directions, other) >= _LEAST)
            found.append(np.stack([one[near], other[near]]))
        return np.concatenate(found, axis=1)


def _products(
    first: NDArray[np.float16], rows: Indices, second: NDArray[np.float16], others: Indices
) -> NDArray[np.float32]:
    products = np.empty(len(rows), np.float32)
    for start in range(0, len(rows), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        one, other = first[rows[part]].astype(np.float32), second[others[part]].astype(np.float32)
        products[part] = np.einsum("nk,nk->n", one, other)
    return products


def hash_table(looks: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """The hash of each frame of each look (P, 704), (F, P)."""
    return np.stack([_hashed(looks, frame).hashes for frame in _FRAMES])


def bits_apart(own: NDArray[np.uint64], others: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """How many bits each of `others` (F, P) is from `own` (F, 1) as a part of it, and as what it is a part of, (2F, P).

    Those that may be copies are at most 7 apart in one of them.
    """
    return np.concatenate([_distances(own, others), _distances(others, own)])


def copies_of_first(pictures: Pictures) -> NDArray[np.bool_]:
    """Which of the pictures but the first are copies of the first, (P - 1,)."""
    hashes, others = hash_table(pictures.looks), np.arange(1, len(pictures))
    nearest = bits_apart(hashes[:, :1], hashes[:, 1:]).argmin(axis=0)
    is_part, first = nearest < len(_FRAMES), np.zeros(len(others), np.int64)
    one, other = np.where(is_part, first, others), np.where(is_part, others, first)
    return are_copies(pictures, one, other, _STARTS[nearest % len(_FRAMES)])


def _distances(parts: NDArray[np.uint64], wholes: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """How many bits each part of one is from the whole of the other; without borders from the same."""
    compared = np.concatenate([np.repeat(wholes[:1], len(_FRAMES) - 1, axis=0), wholes[-1:]])
    return np.asarray(np.bitwise_count(parts ^ compared))
