"""Near-duplicates by their looks: among labeled images, and of images that a backbone was fitted to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.duplicates.compare import pictures_of
from classifier.duplicates.groups import near_pairs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classifier.model.fitted_images import FittedImages
    from classifier.records import Example


def near_examples(examples: Sequence[Example]) -> list[tuple[int, int]]:
    """The pairs of near-duplicates, as indices with the smaller one first; one without a look has none."""
    rows = [row for row, example in enumerate(examples) if example.look]
    pictures = pictures_of([examples[row].look for row in rows], [examples[row].size for row in rows])
    return [(rows[one], rows[other]) for one, other in near_pairs(pictures)]


def are_fitted(before: FittedImages, examples: Sequence[Example]) -> list[bool]:
    """Whether the backbone was fitted to each of `examples`, or to what nearly repeats it; to all if nobody knows."""
    if not before.is_known:
        return [True] * len(examples)
    contents, rows = set(before.image_ids), [row for row, example in enumerate(examples) if example.look]
    looks = [*(examples[row].look for row in rows), *(look.tobytes() for look in before.looks)]
    sizes = [*(examples[row].size for row in rows), *before.sizes.tolist()]
    pairs = near_pairs(pictures_of(looks, sizes)) if contents else []
    near = {rows[one] for one, other in pairs if one < len(rows) <= other}
    return [example.image_id in contents or row in near for row, example in enumerate(examples)]
