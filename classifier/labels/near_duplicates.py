"""Groups near-duplicates and the pages of one post. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from classifier.labels.posts import post_of_name
from classifier.records import Example

_MAX_DIFFERENCE = 12.0  # mean gray levels between thumbnails; the hash alone matches many flat icons
_CHUNK = 512


def group_near_duplicates(
    examples: Sequence[Example], *, near_duplicate_bits: int, posts: Sequence[Sequence[str]] | None = None
) -> list[int]:
    """A group number for each example: the connected components of similar pairs.

    Two images are similar if their perceptual hashes differ in at most `near_duplicate_bits` bits and their thumbnails
    agree, or if they are pages of one post: `posts` names those of each example, without it the file names do.
    """
    named = [[post_of_name(one.label.path) or ""] for one in examples] if posts is None else posts
    pairs = [*near_duplicates(examples, near_duplicate_bits), *_same_post(named)]
    rows, columns = zip(*pairs, strict=True) if pairs else ((), ())
    size = len(examples)
    links = coo_array((np.ones(len(rows), dtype=bool), (rows, columns)), shape=(size, size))
    return [int(number) for number in connected_components(links, directed=False)[1]]


def _same_post(posts_of: Sequence[Sequence[str]]) -> Iterator[tuple[int, int]]:
    posts: dict[str, list[int]] = {}
    for index, names in enumerate(posts_of):
        for name in filter(None, names):
            posts.setdefault(name, []).append(index)
    for members in posts.values():
        yield from pairwise(members)


def near_duplicates(examples: Sequence[Example], bits: int) -> Iterator[tuple[int, int]]:
    """The pairs of similar images, as indices with the smaller one first."""
    hashes = np.array([example.phash for example in examples], dtype=np.uint64)
    thumbnails: NDArray[np.int16] = np.array(
        [np.frombuffer(example.thumbnail, np.uint8) for example in examples], dtype=np.int16
    )
    for start in range(0, len(examples), _CHUNK):
        distance = np.bitwise_count(hashes[start : start + _CHUNK, None] ^ hashes[None, :])
        for row, column in np.argwhere(distance <= bits):
            first, second = start + int(row), int(column)
            if first < second and np.abs(thumbnails[first] - thumbnails[second]).mean() < _MAX_DIFFERENCE:
                yield first, second
