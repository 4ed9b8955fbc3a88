"""Near-duplicates in a sample: of each group, one is enough to label."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.catalog.looks import read_looks, sizes_of
from classifier.duplicates.compare import pictures_of
from classifier.duplicates.groups import near_pairs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from classifier.catalog.connection import Catalog
    from classifier.records import ImageId


def near_duplicates_of_earlier(catalog: Catalog, library: Path, image_ids: Sequence[ImageId]) -> set[ImageId]:
    """Those of `image_ids` that nearly duplicate an earlier one that is kept; by the looks that the library keeps."""
    sizes = sizes_of(catalog, image_ids)
    looks = {
        one: look.tobytes()
        for found, rows in read_looks(catalog, library, image_ids)
        for one, look in zip(found, rows, strict=True)
    }
    known = [one for one in image_ids if one in looks and one in sizes]
    pairs = near_pairs(pictures_of([looks[one] for one in known], [sizes[one] for one in known]))
    return {known[number] for number in drop_repeats(pairs)}


def drop_repeats(pairs: Iterable[tuple[int, int]]) -> set[int]:
    """From pairs of similar indices, smaller first: those that are similar to an earlier kept one."""
    dropped: set[int] = set()
    for first, second in sorted(pairs):
        if first not in dropped:
            dropped.add(second)
    return dropped
