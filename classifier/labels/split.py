"""Splits examples for training and validation: no group on both sides, no category without training images. Pure."""

from __future__ import annotations

import random
import warnings
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from classifier.records import Example, Split

if TYPE_CHECKING:
    from numpy.typing import NDArray


def kfold_split(examples: Sequence[Example], groups: Sequence[int], *, count: int, seed: int) -> tuple[Split, ...]:
    """`count` (at least 2) splits that together hold out each example once; fewer if there are too few groups.

    `groups` has a number for each example, from `group_near_duplicates`. Folds are stratified by category, and groups
    stay whole. Examples whose category would have no training images left are held out in no fold.
    """
    numbers = np.array(groups)
    categories = np.array([example.label.category for example in examples])
    spread = {category: set(numbers[categories == category].tolist()) for category in set(categories)}
    needed = {number for only in spread.values() if len(only) == 1 for number in only}
    rows = np.flatnonzero([number not in needed for number in groups])
    left = Counter(category for category, _ in set(zip(categories[rows], numbers[rows].tolist(), strict=True)))
    count = min(count, max(left.values(), default=0))
    if count < 2:  # noqa: PLR2004 - nothing can be held out
        return (Split(train=_in_order(list(examples)), validation=()),)
    kfold = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class")  # then some folds hold none of it out
        parts = [rows[held_out] for _, held_out in kfold.split(rows, categories[rows], numbers[rows])]
    return tuple(_without(examples, part, categories, numbers) for part in parts if len(part))


def _without(
    examples: Sequence[Example], part: NDArray[np.int64], categories: NDArray[np.str_], groups: NDArray[np.int64]
) -> Split:
    """A split by the held-out rows, without the groups of a category that would have no training images."""
    untrained = set(categories) - set(np.delete(categories, part))
    needed = {int(groups[row]) for row in part if categories[row] in untrained}
    held_out = {int(row) for row in part if int(groups[row]) not in needed}
    return Split(
        train=_in_order([example for row, example in enumerate(examples) if row not in held_out]),
        validation=_in_order([examples[row] for row in held_out]),
    )


def holdout_split(examples: Sequence[Example], groups: Sequence[int], *, validation_share: float, seed: int) -> Split:
    """Hold out about `validation_share` of each category, whole groups at random; the same for the same seed.

    A category whose images are all one group stays in training, since nothing of it can be held out.
    """
    members_of: dict[int, list[Example]] = {}
    for number, example in zip(groups, examples, strict=True):
        members_of.setdefault(number, []).append(example)
    counts = Counter(example.label.category for example in examples)
    wanted = {category: max(1, round(count * validation_share)) for category, count in counts.items()}
    held_out: Counter[str] = Counter()
    train: list[Example] = []
    validation: list[Example] = []
    for members in _shuffled(list(members_of.values()), seed):
        adds = Counter(example.label.category for example in members)
        if all(held_out[category] + count <= wanted[category] for category, count in adds.items()):
            held_out += adds
            validation += members
        else:
            train += members
    return Split(train=_in_order(train), validation=_in_order(validation))


def _shuffled(groups: list[list[Example]], seed: int) -> list[list[Example]]:
    """Large groups are held out as often as small ones, so that the held-out part is like the whole."""
    random.Random(seed).shuffle(groups)  # noqa: S311 - a repeatable draw, not a secret
    return groups


def _in_order(examples: list[Example]) -> tuple[Example, ...]:
    return tuple(sorted(examples, key=lambda example: (example.label.category, example.label.path)))


def sample_examples(examples: Sequence[Example], *, most: int, seed: int) -> tuple[Example, ...]:
    """At most `most` examples in their order, drawn from each category; small categories stay whole."""
    if len(examples) <= most:
        return tuple(examples)
    rows_of: dict[str, list[int]] = {}
    for row, example in enumerate(examples):
        rows_of.setdefault(example.label.category, []).append(row)
    left, kept = most, list[int]()
    chance = random.Random(seed)  # noqa: S311 - a repeatable draw, not a secret
    smallest_first = sorted(rows_of.values(), key=len)
    for number, rows in enumerate(smallest_first):
        share = left // (len(smallest_first) - number)
        drawn = rows if len(rows) <= share else chance.sample(rows, share)
        kept += drawn
        left -= len(drawn)
    return tuple(examples[row] for row in sorted(kept))
