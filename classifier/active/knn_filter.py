"""Which pictures are like those that a category was named by: a head is sure of whatever it is asked about. Pure.

Told two names, a head takes every picture for one of them. So a guess counts only where pictures named so are among
those that look most like it: of a kind without a name, they are others of its kind.
"""

# Shapes: N pictures, R width, K categories.

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from classifier.training.subset_heads import compact

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NEIGHBORS: Final = 20
"""Pictures that are looked at for each: at most, and at least a quarter as many; of few pictures a tenth."""
_NAMED: Final = 4
"""How many of them must have the guessed name; measured: docs/LOG.md."""
_CHUNK: Final = 512


def directions(embeddings_ND: NDArray[np.float32]) -> NDArray[np.float64]:
    """The embeddings by which likeness is told, of length 1, (N, R)."""
    rows = compact(embeddings_ND).astype(np.float64)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths == 0, 1, lengths)


def familiar(
    directions_NR: NDArray[np.float64], *, taught: NDArray[np.int64], truths: NDArray[np.int64], best: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Whether each picture is like the taught ones of its `best` category, (N,).

    `taught` are rows and `truths` their categories; `best` (N,) are categories. At least two pictures.
    """
    named = np.full(len(directions_NR), -1)
    named[taught] = truths
    count = min(len(named) - 1, max(_NEIGHBORS // 4, min(_NEIGHBORS, len(named) // 10)))
    found = np.zeros(len(named), dtype=bool)
    for start in range(0, len(named), _CHUNK):
        part = slice(start, start + _CHUNK)
        cosines = directions_NR[part] @ directions_NR.T
        rows = np.arange(len(cosines))
        cosines[rows, start + rows] = -np.inf  # each is nearest to itself
        nearest = np.argpartition(-cosines, count - 1, axis=1)[:, :count]
        found[part] = (named[nearest] == best[part, None]).sum(axis=1) >= _NAMED
    return found
