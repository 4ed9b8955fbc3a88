"""Groups of copies among many pictures: each is a copy of the best of its group, so variants never join by way of one.

Pictures are given best first; an index is its rank.
"""

# Shapes: P pictures, N pairs, F frames.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from classifier.duplicates.candidates import STARTS, bits_apart, candidate_pairs, hash_table
from classifier.duplicates.compare import are_copies, are_near

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from classifier.duplicates.compare import Pictures

    Indices = NDArray[np.integer[Any]]


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


class _Links:
    """Which pictures are copies of which: by their hashes at first, then by those that two have in common."""

    def __init__(self, pictures: Pictures) -> None:
        self._pictures = pictures
        self._known: dict[int, set[int]] = {}
        for pairs, start in candidate_pairs(pictures):
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


def copies_of_first(pictures: Pictures) -> NDArray[np.bool_]:
    """Which of the pictures but the first are copies of the first, (P - 1,)."""
    hashes, others = hash_table(pictures.looks), np.arange(1, len(pictures))
    nearest = bits_apart(hashes[:, :1], hashes[:, 1:]).argmin(axis=0)
    is_part, first = nearest < len(STARTS), np.zeros(len(others), np.int64)
    one, other = np.where(is_part, first, others), np.where(is_part, others, first)
    return are_copies(pictures, one, other, STARTS[nearest % len(STARTS)])


def near_pairs(pictures: Pictures) -> list[tuple[int, int]]:
    """The pairs of near-duplicates, copies and variants, each once with the smaller index first, in order.

    Of more than 16 whose hashes are equal, the later ones are paired with the first 16 alone.
    """
    found: list[Indices] = [np.empty((2, 0), np.int64)]
    for pairs, start in candidate_pairs(pictures):
        first, second = pairs
        found.append(pairs[:, are_near(pictures, first, second, np.tile(start, (len(first), 1)))])
    every = np.sort(np.concatenate(found, axis=1), axis=0)
    return [(one, other) for one, other in np.unique(every, axis=1).T.tolist()]
