"""What a picture may still be of, once a person has ruled categories out; pure."""

# Shapes: N pictures, K categories.

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from numpy.typing import NDArray

    from classifier.records import PictureId

Float = TypeVar("Float", bound="np.floating")
RULED_OUT = -1.0
"""Below every probability."""


def possible(
    shares_NK: NDArray[Float],
    pictures: Sequence[PictureId],
    categories: Sequence[str],
    ruled_out: Mapping[PictureId, AbstractSet[str]],
) -> NDArray[Float]:
    """The probabilities, (N, K), with `RULED_OUT` for each category that a person said a picture is not of."""
    columns = {category: column for column, category in enumerate(categories)}
    places = [
        (row, columns[category])
        for row, picture in enumerate(pictures if ruled_out else ())
        for category in ruled_out.get(picture, ())
        if category in columns
    ]
    if not places:
        return shares_NK
    left = shares_NK.copy()
    left[tuple(np.array(places).T)] = RULED_OUT
    return left


def likeliest(shares_NK: NDArray[Float], categories: Sequence[str]) -> tuple[list[str], NDArray[Float]]:
    """The best guess at each and its probability, (N,); none, and 0, where all are ruled out."""
    shares = shares_NK.max(axis=1)
    best = zip(shares_NK.argmax(axis=1).tolist(), (shares >= 0).tolist(), strict=True)
    return [categories[column] if is_left else "" for column, is_left in best], shares.clip(0)
