"""Which examples are learned from and which are held out: every category on both sides, no group on two. Pure."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

from classifier.labels.groups import group
from classifier.records import Example, Split


def split(examples: Sequence[Example], *, validation_share: float, near_duplicate_bits: int, seed: int) -> Split:
    """Hold out about `validation_share` of each category, whole groups at a time; the same for the same seed.

    A category whose pictures are all one group stays in training: nothing of it can be held out honestly.
    """
    groups: dict[int, list[Example]] = {}
    for number, example in zip(group(examples, near_duplicate_bits=near_duplicate_bits), examples, strict=True):
        groups.setdefault(number, []).append(example)
    counts = Counter(example.label.category for example in examples)
    wanted = {category: max(1, round(count * validation_share)) for category, count in counts.items()}
    held_out: Counter[str] = Counter()
    train: list[Example] = []
    validation: list[Example] = []
    for members in _smallest_first(list(groups.values()), seed):
        adds = Counter(example.label.category for example in members)
        if all(held_out[category] + count <= wanted[category] for category, count in adds.items()):
            held_out += adds
            validation += members
        else:
            train += members
    return Split(train=_in_order(train), validation=_in_order(validation))


def _smallest_first(groups: list[list[Example]], seed: int) -> list[list[Example]]:
    """Seeded order, groups of one first, so that the held-out part is made of many different pictures."""
    random.Random(seed).shuffle(groups)  # noqa: S311 - a repeatable draw, not a secret
    return sorted(groups, key=len)


def _in_order(examples: list[Example]) -> tuple[Example, ...]:
    return tuple(sorted(examples, key=lambda example: (example.label.category, example.label.path)))
