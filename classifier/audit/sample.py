"""Draws the sample. Pure.

Every picture has the same chance. Of a large library the sample takes from each category its share, rounded up or down
by chance so that the total is exact (the pivotal method of Deville and Tille 1998, the categories' rests standing for
the one picture of theirs that is still open). That is one of the strongly Rayleigh designs (Braenden and Jonasson
2012): the number of wrong ones drawn, also among the first few asked, is distributed as a sum of independent Bernoulli
variables whose mean rate is the true share wrong. Hoeffding (1956) showed such a sum to be more concentrated than the
binomial of the same mean, so the binomial bound holds, whatever the categories' error rates are.

Of a small library, where the sample is a large part, a simple random draw is taken: the hypergeometric bound, which is
exact there and far tighter, may fail for samples by category (two pictures in each, one of them wrong: twice the
variance).
"""

from __future__ import annotations

import random
from bisect import bisect_left
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

T = TypeVar("T")

_LARGE_PART = 10
_STEPS = 20


def is_simple(count: int, population: int) -> bool:
    """Whether `count` is so large a part of `population` that categories have no part in the draw."""
    return count * _LARGE_PART > population


def draw(filed: Mapping[str, Sequence[T]], count: int, *, seed: int) -> list[T]:
    """`count` different ones of `filed` (all, when there are fewer) in random order; repeatable by the seed."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    population = sum(len(of_one) for of_one in filed.values())
    if is_simple(count, population):
        everything = [one for category in sorted(filed) for one in filed[category]]
        return chance.sample(everything, min(count, population))
    taken = allocate({category: len(of_one) for category, of_one in filed.items()}, count, chance)
    sample = [one for category in sorted(filed) for one in chance.sample(filed[category], taken[category])]
    chance.shuffle(sample)
    return sample


def allocate(counts: Mapping[str, int], count: int, chance: random.Random) -> dict[str, int]:
    """How many each category gives: its share of `count`, rounded up or down by chance; they sum to `count`."""
    total = sum(counts.values())
    taken = {category: count * of_one // total for category, of_one in counts.items()}
    order = sorted(counts)
    chance.shuffle(order)
    holder, held = order[0], 0  # one category's place is open at a time, `held` / `total` its chance
    for category in order:
        rest = count * counts[category] % total
        both = held + rest
        if both < total:
            holder = category if chance.randrange(max(both, 1)) < rest else holder
            held = both
        elif chance.randrange(2 * total - both) < total - rest:
            taken[holder] += 1
            holder, held = category, both - total
        else:
            taken[category] += 1
            held = both - total
    return taken


def threshold_steps(confidences: Sequence[float]) -> tuple[tuple[float, int], ...]:
    """Thresholds from strict to loose, each with how many it keeps: a twentieth of the pictures more at each step."""
    rising = sorted(confidences)
    count = len(rising)
    least = {rising[count + (-count * step // _STEPS)] for step in range(1, _STEPS + 1)} if rising else set()
    return tuple((threshold, count - bisect_left(rising, threshold)) for threshold in sorted(least, reverse=True))
