"""Near-duplicates in a sample: of each group, one is enough to label."""

# Shapes: N images, D embedding width.

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import numpy as np

from classifier.errors import Message
from classifier.labels.dataset import read_example
from classifier.labels.near_duplicates import near_duplicates
from classifier.model.head import l2_normalize
from classifier.progress import Progress, SilentProgress, Stage
from classifier.records import Example, Label

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_LIKELY: Final = 0.9
"""Least cosine of embeddings of images that are compared: rather too low than too high."""
_CHUNK: Final = 512


def duplicate_indices(
    paths: Sequence[Path],
    embeddings_ND: NDArray[np.float32],
    *,
    bits: int,
    max_megapixels: float,
    progress: Progress | None = None,
) -> set[int]:
    """Indices of `paths` that nearly duplicate an earlier one that is kept.

    Only images with close embeddings are read again. They are compared by perceptual hash, with at most `bits`
    differing bits, and by thumbnail.
    """
    likely = sorted({index for pair in _close(embeddings_ND) for index in pair})
    with (progress or SilentProgress()).stage(Message("comparing"), total=len(likely), unit="picture") as stage:
        examples = list(_read([paths[index] for index in likely], max_megapixels, stage))
    readable = [(index, example) for index, example in zip(likely, examples, strict=True) if example is not None]
    pairs = near_duplicates([example for _, example in readable], bits)
    return drop_repeats((readable[first][0], readable[second][0]) for first, second in pairs)


def drop_repeats(pairs: Iterable[tuple[int, int]]) -> set[int]:
    """From pairs of similar indices, smaller first: those that are similar to an earlier kept one."""
    dropped: set[int] = set()
    for first, second in sorted(pairs):
        if first not in dropped:
            dropped.add(second)
    return dropped


def _close(embeddings_ND: NDArray[np.float32]) -> Iterator[tuple[int, int]]:
    unit = l2_normalize(embeddings_ND)
    for start in range(0, len(unit), _CHUNK):
        cosines = unit[start : start + _CHUNK] @ unit.T
        for row, column in np.argwhere(cosines >= _LIKELY):
            if start + row < column:
                yield int(start + row), int(column)


def _read(paths: Sequence[Path], max_megapixels: float, stage: Stage) -> Iterator[Example | None]:
    with ThreadPoolExecutor() as pool:
        for read in pool.map(lambda path: read_example(Label(path=path, category=""), max_megapixels), paths):
            stage.advance()
            yield read if isinstance(read, Example) else None
