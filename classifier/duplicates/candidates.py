"""Pairs among many pictures that may be copies: those whose hashes are near, as a whole or where one was cut.

An index is the place of a picture.
"""

# Shapes: P pictures, N pairs, F frames.

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from classifier.duplicates.compare import THREADS, have_proportions
from classifier.duplicates.hashes import CUTS, INNER, WHOLE, directions_of, hashes_of, waves_of
from classifier.duplicates.search import MOST_BITS, close_pairs
from classifier.images.look import luma_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from classifier.duplicates.compare import Pictures
    from classifier.duplicates.hashes import Frame

    Indices = NDArray[np.integer[Any]]

_AT_ONCE: Final = 4096
_FRAMES: Final = (WHOLE, *CUTS, INNER)
STARTS: Final = np.array([frame.as_array() for frame in (WHOLE, *CUTS, WHOLE)])
"""Where a cut is sought for each frame (F, 4); what is alike without its border need not be cut."""
_LEAST: Final = 0.96
"""Least product of directions of two pictures that are compared."""


def candidate_pairs(pictures: Pictures) -> Iterator[tuple[Indices, NDArray[np.float32]]]:
    """For each frame the pairs (2, N) of which the second may be about this part of the first, and the start (4,)."""
    candidates = _Candidates(pictures)
    with ThreadPoolExecutor(THREADS) as threads:
        yield from zip(threads.map(candidates.of, _FRAMES), STARTS, strict=True)


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


class _Candidates:
    """The candidates of each frame; the hashes of whole pictures are made once."""

    def __init__(self, pictures: Pictures) -> None:
        self._pictures = pictures
        self._whole = _hashed(pictures.looks, WHOLE)

    def of(self, frame: Frame) -> Indices:
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


def may_have_copies(own: NDArray[np.uint64], others: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which of `others` (F, K) may be copies of any of `own` (F, N), (K,)."""
    found: NDArray[np.bool_] = np.zeros(others.shape[1], bool)
    for number, frame in enumerate(_FRAMES):
        whole = number if frame is INNER else 0
        for first, second in ((own[number], others[whole]), (own[whole], others[number])):
            for _, close in close_pairs(first, second, bits=MOST_BITS):
                found[close] = True
    return found


def _distances(parts: NDArray[np.uint64], wholes: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """How many bits each part of one is from the whole of the other; without borders from the same."""
    compared = np.concatenate([np.repeat(wholes[:1], len(_FRAMES) - 1, axis=0), wholes[-1:]])
    return np.asarray(np.bitwise_count(parts ^ compared))
