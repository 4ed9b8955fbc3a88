"""Groups near-duplicates and the pages of one post. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from classifier.labels.posts import post_of_name
from classifier.records import Example


def group_near_duplicates(
    examples: Sequence[Example],
    *,
    near: Iterable[tuple[int, int]] = (),
    posts: Sequence[Sequence[str]] | None = None,
) -> list[int]:
    """A group number for each example: the connected components of pairs.

    A pair are two near-duplicates, by index in `near`, or two pages of one post: `posts` names those of each example,
    without it the file names do.
    """
    named = [[post_of_name(one.label.path) or ""] for one in examples] if posts is None else posts
    pairs = [*near, *_same_post(named)]
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
