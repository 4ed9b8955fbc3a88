"""Pairs of 64-bit hashes that differ in few bits, exactly, in time that hardly grows with the square of their number.

A hash is four pieces of 16 bits. Two hashes that differ in at most 7 bits have a piece that differs in at most one, so
each piece is looked up with each of its bits changed.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Indices = NDArray[np.integer[Any]]

MOST_BITS: Final = 7
_PIECES: Final = 4
_BITS: Final = 16
_AT_ONCE: Final = 1 << 21
"""Pairs that are compared at once, which bounds the memory."""
_CROWD: Final = 16
"""Of images with one hash, this many (the first) are paired with all others, the rest with these alone."""


def close_pairs(
    first: NDArray[np.uint64], second: NDArray[np.uint64], *, bits: int
) -> Iterator[tuple[Indices, Indices]]:
    """All pairs of a hash of `first` and one of `second` that differ in at most `bits` (7 or fewer), as indices.

    Each pair is given once, in parts; of more than 16 equal hashes, not those between the later ones of each.
    """
    if bits > MOST_BITS:
        raise ValueError(f"at most {MOST_BITS} bits: {bits}")
    rows, row_of = np.unique(first, return_inverse=True)
    columns, column_of = np.unique(second, return_inverse=True)
    left, right = _Members(row_of, len(rows)), _Members(column_of, len(columns))
    for one, other in _distinct_pairs(rows, columns, bits):
        yield from _members_of_pairs(left, right, one, other)


def _distinct_pairs(
    first: NDArray[np.uint64], second: NDArray[np.uint64], bits: int
) -> Iterator[tuple[Indices, Indices]]:
    masks = [0, *(1 << bit for bit in range(_BITS))]
    for number in range(_PIECES):
        pieces = _piece(second, number)
        order = np.argsort(pieces, kind="stable")
        starts = np.searchsorted(pieces[order], np.arange((1 << _BITS) + 1))
        for mask in masks:
            wanted = _piece(first, number) ^ mask
            for rows, places in _ranges(starts[wanted], starts[wanted + 1]):
                found = order[places]
                apart = first[rows] ^ second[found]
                close = np.flatnonzero(np.bitwise_count(apart) <= bits)
                kept = close[_is_first(apart[close], number)]
                if len(kept):
                    yield rows[kept], found[kept]


def _piece(hashes: NDArray[np.uint64], number: int) -> Indices:
    return ((hashes >> np.uint64(_BITS * number)) & np.uint64((1 << _BITS) - 1)).astype(np.int64)


def _is_first(apart: NDArray[np.uint64], number: int) -> NDArray[np.bool_]:
    """Whether no earlier piece finds the pair as well."""
    first: NDArray[np.bool_] = np.ones(len(apart), bool)
    for earlier in range(number):
        first &= np.bitwise_count(_piece(apart, earlier)) > 1
    return first


def _ranges(starts: Indices, ends: Indices) -> Iterator[tuple[Indices, Indices]]:
    """Each row number with each place from its start to its end, at most a few million at once; as int32."""
    counts = ends - starts
    total = np.cumsum(counts)
    cuts = np.searchsorted(total, np.arange(_AT_ONCE, int(total[-1]) if len(total) else 0, _AT_ONCE))
    for begin, end in pairwise(np.unique([0, *cuts.tolist(), len(counts)]).tolist()):
        part = counts[begin:end]
        shift = (starts[begin:end] - (np.cumsum(part) - part)).astype(np.int32)
        rows = np.repeat(np.arange(begin, end, dtype=np.int32), part)
        yield rows, np.arange(len(rows), dtype=np.int32) + np.repeat(shift, part)


class _Members:
    """The indices of each distinct hash, in their order."""

    def __init__(self, number_of: Indices, count: int) -> None:
        self._order = np.argsort(number_of, kind="stable")
        self._starts = np.searchsorted(number_of[self._order], np.arange(count + 1))

    def spans(self, numbers: Indices) -> tuple[Indices, Indices]:
        return self._starts[numbers], self._starts[numbers + 1]

    def at(self, places: Indices) -> Indices:
        found: Indices = self._order[places]
        return found


def _members_of_pairs(
    left: _Members, right: _Members, one: Indices, other: Indices
) -> Iterator[tuple[Indices, Indices]]:
    """The members of each pair of distinct hashes with each other; of crowds, as `close_pairs` says."""
    starts, ends = left.spans(one)
    for rows, places in _ranges(starts, ends):
        is_late = places - starts[rows] >= _CROWD
        low, high = right.spans(other[rows])
        for numbers, found in _ranges(low, np.where(is_late, np.minimum(high, low + _CROWD), high)):
            yield left.at(places[numbers]), right.at(found)
