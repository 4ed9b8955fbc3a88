"""Every draw has the right size and shares; over many draws, every picture has the same chance."""

from __future__ import annotations

import random
import statistics
from collections import Counter
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.audit.sample import allocate, draw, is_simple, threshold_steps
from classifier.model.binomial_bounds import upper_bound

LIBRARIES = st.dictionaries(st.text("abcdef", min_size=1), st.integers(1, 400), min_size=1, max_size=12)


def pictures(counts: dict[str, int]) -> dict[str, list[tuple[str, int]]]:
    return {category: [(category, number) for number in range(count)] for category, count in counts.items()}


@given(LIBRARIES, st.integers(1, 60), st.integers(0, 2**32))
def test_a_draw_has_different_pictures_and_as_many_as_there_are_at_most(
    counts: dict[str, int], count: int, seed: int
) -> None:
    sample = draw(pictures(counts), count, seed=seed)

    assert min(count, sum(counts.values())) == len(sample) == len(set(sample))
    assert all(number < counts[category] for category, number in sample)


@given(LIBRARIES, st.integers(1, 60), st.integers(0, 2**32))
def test_of_a_large_library_each_category_gives_its_share_rounded_up_or_down(
    counts: dict[str, int], count: int, seed: int
) -> None:
    ends = list(accumulate(600 * of_one for of_one in counts.values()))
    large = {category: range(end - 600 * counts[category], end) for category, end in zip(counts, ends, strict=True)}
    sample = draw(large, count, seed=seed)

    for of_one in large.values():
        share = count * len(of_one) / ends[-1]
        assert abs(sum(picture in of_one for picture in sample) - share) < 1


@given(LIBRARIES, st.integers(0, 2**32), st.data())
def test_shares_add_up_and_take_no_more_than_there_is(counts: dict[str, int], seed: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, sum(counts.values()) - 1))
    taken = allocate(counts, count, random.Random(seed))

    assert count == sum(taken.values())
    assert all(0 <= taken[category] <= of_one for category, of_one in counts.items())


def test_a_tiny_category_is_drawn_in_proportion_to_its_size() -> None:
    counts, chance = {"rare": 7, "small": 33, "large": 260}, random.Random(0)
    taken = Counter[str]()
    for _ in range(6000):
        taken.update(allocate(counts, 10, chance))

    for category, of_one in counts.items():
        assert 6000 * 10 * of_one / 300 == pytest.approx(taken[category], rel=0.08)


@pytest.mark.parametrize("count", [5, 50])
def test_every_image_is_equally_likely_to_be_drawn_and_to_come_first(count: int) -> None:
    library = pictures({"a": 3, "b": 17, "c": 80})
    drawn, first = Counter[tuple[str, int]](), Counter[tuple[str, int]]()
    draws = 6000
    for seed in range(draws):
        sample = draw(library, count, seed=seed)
        drawn.update(sample)
        first[sample[0]] += 1

    assert all(draws * count / 100 == pytest.approx(drawn[one], rel=0.25) for of in library.values() for one in of)
    assert all(draws / 100 == pytest.approx(first[one], rel=0.6) for of in library.values() for one in of)


def test_the_same_seed_draws_the_same_sample_in_the_same_order() -> None:
    library = pictures({"a": 300, "b": 1700})

    assert draw(library, 20, seed=3) == draw(dict(reversed(library.items())), 20, seed=3)
    assert draw(library, 20, seed=3) != draw(library, 20, seed=4)


def test_a_sample_is_stratified_only_if_small_beside_the_library() -> None:
    assert is_simple(150, 1499)
    assert not is_simple(150, 1500)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=200))
def test_steps_go_from_strict_to_loose_and_end_with_all(confidences: list[float]) -> None:
    found = threshold_steps(confidences)

    assert [step for step, _ in found] == sorted({step for step, _ in found}, reverse=True)
    assert (min(confidences), len(confidences)) == found[-1]
    assert all(kept == sum(one >= step for one in confidences) for step, kept in found)


def test_nothing_filed_has_no_steps() -> None:
    assert () == threshold_steps([])


def test_the_bound_holds_of_libraries_made_to_break_it() -> None:
    """Two pictures in each category, one of them wrong in every fifth: the most that categories can do to a draw."""
    library = {f"{number}": [(f"{number}", 0), (f"{number}", 1)] for number in range(1000)}
    wrong = [sum(n == 0 and int(c) % 5 == 0 for c, n in draw(library, 150, seed=seed)) for seed in range(500)]

    assert statistics.mean(wrong) == pytest.approx(15, abs=0.5)
    assert 0.95 <= statistics.mean(upper_bound(count, 150, 0.95) >= 0.1 for count in wrong)
