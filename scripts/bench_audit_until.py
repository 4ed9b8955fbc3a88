"""How many answers an audit until a rate is shown takes, and how often it is wrong, as a Markdown table.

python scripts/bench_audit_until.py [--audits 2000]

A person judges, looks after every answer and stops as soon as at most 2% is shown; or when it can no longer be, by the
5,000 pictures that are drawn at most. Beside it what the fixed plan takes: 160 pictures, and as long as 2% is not shown
another audit of as many as is advised then, each judged more strictly. Each row is a library of this size and true
share wrong, one of them one picture above 2%. Where more than 2% are wrong, `shown` is false, and must be at most 5%
(as the first audit of a sort: 4%).
"""

from __future__ import annotations

import argparse
import math
import random
import time
from bisect import bisect_left
from dataclasses import dataclass
from functools import cache
from statistics import mean, median, quantiles
from typing import TYPE_CHECKING

from classifier.model.anytime_bounds import anytime_upper_bound
from classifier.model.binomial_bounds import finite_upper_bound, look_confidence, min_sample_size

if TYPE_CHECKING:
    from collections.abc import Callable

TARGET, LONGEST, CONFIDENCE = 0.02, 5_000, 0.95
SIZES = (500, 5_000, 1_000_000)
SHARES = (0.001, 0.005, 0.01, 0.019, TARGET, 0.03)

bound_of_sample = cache(finite_upper_bound)


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """Whether the rate was shown, and by how many answers, or after how many it was given up."""

    is_shown: bool
    answers: int


@cache
def first_shown(wrong: int, size: int) -> int:
    """After how many answers, so many of them wrong, the rate is shown; `size` + 1 where it is not at all."""
    confidence = look_confidence(1, CONFIDENCE)

    def is_shown(answers: int) -> bool:
        return anytime_upper_bound(wrong, answers, size, confidence) <= TARGET

    return bisect_left(range(size + 1), True, lo=wrong, key=is_shown)


def until_shown(wrong: list[int], size: int) -> End:
    """`wrong` are the places of the wrong pictures in the order, from 0."""
    longest = min(size, LONGEST)
    for seen, place in enumerate([*wrong, longest]):
        shown = first_shown(seen, size)
        if shown <= min(place, longest):
            return End(is_shown=True, answers=max(shown, wrong[seen - 1] + 1 if seen else 0))
        if shown > longest or place >= longest:
            return End(is_shown=False, answers=min(longest, wrong[seen - 1] + 1 if seen else 0))
    raise AssertionError("the last place is the end")


def fixed(chance: random.Random, bad: int, size: int) -> End:
    """Audits of as many as `illsort audit` advises after each other, until one shows the rate or judges all.

    Pictures that were judged before are not asked again; of what is wrong nothing is taken out in between.
    """
    judged: set[int] = set()
    count = min(160, size)
    for number in range(1, 6):
        sample = chance.sample(range(size), count)
        judged.update(sample)
        wrong = sum(picture < bad for picture in sample)
        if bound_of_sample(wrong, count, size, look_confidence(number, CONFIDENCE)) <= TARGET:
            return End(is_shown=True, answers=len(judged))
        if count == min(size, LONGEST):
            break
        confidence = look_confidence(number + 1, CONFIDENCE)
        none, one = (min_sample_size(TARGET, wrong=wrong, confidence=confidence) for wrong in (0, 1))
        count = min(max(one, 2 * none, 2 * count), size, LONGEST)
    return End(is_shown=False, answers=len(judged))


def places(chance: random.Random, bad: int, size: int) -> list[int]:
    """Where the wrong pictures are in a random order, as far as it is judged."""
    order = chance.sample(range(size), min(size, LONGEST))
    return [place for place, picture in enumerate(order) if picture < bad]


def row(run: Callable[[random.Random], End], audits: int) -> tuple[float, str]:
    """The share shown, and mean, median and 9th decile of the answers."""
    ends = [run(random.Random(seed)) for seed in range(audits)]
    answers = [end.answers for end in ends]
    shown = sum(end.is_shown for end in ends) / audits
    return shown, f"{shown:.1%} | {mean(answers):,.0f}, {median(answers):,.0f}, {quantiles(answers, n=10)[-1]:,.0f}"


def main() -> None:
    """Print the table as it grows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audits", type=int, default=2000)
    args = parser.parse_args()
    print("| filed | truly wrong | shown | answers: mean, median, 9th decile | fixed: shown | answers |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    started, false = time.perf_counter(), 0.0
    for size in SIZES:
        for share in SHARES:
            bad = math.floor(share * size + 0.5) + (share == TARGET)
            shown, until = row(lambda chance: until_shown(places(chance, bad, size), size), args.audits)  # noqa: B023
            _, planned = row(lambda chance: fixed(chance, bad, size), args.audits)  # noqa: B023
            false = max(false, shown if share >= TARGET else 0.0)
            print(f"| {size:,} | {bad / size:.2%} | {until} | {planned} |", flush=True)
    print(f"\nmost often shown where it is false: {false:.1%}; {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
