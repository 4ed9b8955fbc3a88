"""The search of hashes finds exactly the pairs that differ in few bits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.duplicates.search import close_pairs


def found(first: np.ndarray, second: np.ndarray, bits: int) -> list[tuple[int, int]]:
    pairs = [(i, j) for part in close_pairs(first, second, bits=bits) for i, j in zip(*part, strict=True)]
    return sorted((int(i), int(j)) for i, j in pairs)


def near(first: np.ndarray, second: np.ndarray, bits: int) -> list[tuple[int, int]]:
    apart = np.bitwise_count(first[:, None] ^ second[None])
    return [(int(i), int(j)) for i, j in np.argwhere(apart <= bits)]


@given(seed=st.integers(0, 1000), bits=st.integers(0, 7))
def test_each_pair_is_found_once_and_no_other(seed: int, bits: int) -> None:
    rng = np.random.default_rng(seed)
    first = rng.integers(0, 2**64, 40, dtype=np.uint64)
    second = np.concatenate([first, rng.integers(0, 2**64, 40, dtype=np.uint64)])
    for _ in range(int(rng.integers(10))):
        second[:40] ^= np.uint64(1) << rng.integers(0, 64, 40).astype(np.uint64)

    assert near(first, second, bits) == found(first, second, bits)


def test_of_nothing_nothing_is_found() -> None:
    none, some = np.empty(0, np.uint64), np.arange(3, dtype=np.uint64)

    assert [] == found(none, none, 7)
    assert [] == found(none, some, 7)
    assert [] == found(some, none, 7)


def test_of_many_equal_hashes_each_is_paired_with_the_first_ones() -> None:
    """A thousand blank pages would have half a million pairs."""
    equal = np.full(1000, 5, np.uint64)

    pairs = found(equal, equal, 7)

    assert {(0, other) for other in range(1000)} <= set(pairs)
    assert len(pairs) == len(set(pairs)) < 2 * 16 * 1000


def test_more_bits_than_the_pieces_find_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 7 bits: 8"):
        found(np.zeros(1, np.uint64), np.zeros(1, np.uint64), 8)
