"""Splits: every category on both sides, no group on both, the same for the same seed."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from classifier.labels.near_duplicates import group_near_duplicates
from classifier.labels.split import holdout_split, kfold_split, sample_examples
from classifier.records import Example
from kit.labels import example


def names(examples: tuple[Example, ...]) -> list[str]:
    return [e.label.path.as_posix() for e in examples]


def test_near_duplicates_are_one_group_also_over_a_third() -> None:
    examples = [example(str(number), "cat") for number in range(5)]

    assert [0, 1, 0, 2, 0] == group_near_duplicates(examples, near=[(0, 2), (2, 4)])


def test_the_pages_of_one_post_are_one_group() -> None:
    pages = [
        "123_p0.jpg",
        "123_p1.png",
        "artist_123_p2.jpg",
        "124_p0.jpg",
        "123.jpg",
        "123_p0_master1200.jpg",
        "map_p1.jpg",
    ]

    assert [0, 0, 1, 2, 3, 0, 4] == group_near_duplicates([example(page, "cat") for page in pages])


def test_about_a_fifth_of_each_category_is_held_out() -> None:
    examples = [example(f"{n}.png", category) for category, count in (("a", 20), ("b", 10)) for n in range(count)]
    parts = holdout_split(examples, group_near_duplicates(examples), validation_share=0.2, seed=1)

    assert {"a": 4, "b": 2} == Counter(e.label.category for e in parts.validation)
    assert sorted(names(tuple(examples))) == sorted(names(parts.train) + names(parts.validation))


def test_the_same_seed_gives_the_same_split_in_any_order() -> None:
    examples = [example(f"{n}.png", "ab"[n % 2]) for n in range(40)]
    one = holdout_split(examples, group_near_duplicates(examples), validation_share=0.2, seed=3)

    assert one == holdout_split(examples, group_near_duplicates(examples), validation_share=0.2, seed=3)
    assert one != holdout_split(examples, group_near_duplicates(examples), validation_share=0.2, seed=4)


def test_a_category_that_is_one_group_is_all_learned_from() -> None:
    twins = [example(f"9_p{n}.png", "twins") for n in range(5)]
    examples = [*twins, *(example(f"{n}.png", "b") for n in range(5))]
    parts = holdout_split(examples, group_near_duplicates(examples), validation_share=0.2, seed=0)

    assert {"twins": 5, "b": 4} == Counter(e.label.category for e in parts.train)


@given(
    posts=st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 6)), min_size=6, max_size=60),
    share=st.floats(0.05, 0.5),
    seed=st.integers(0, 99),
)
def test_no_group_is_on_both_sides_and_every_category_is_learned(
    posts: list[tuple[str, int]], share: float, seed: int
) -> None:
    examples = [example(f"{post}00_p{page}.png", category) for page, (category, post) in enumerate(posts)]
    parts = holdout_split(examples, group_near_duplicates(examples), validation_share=share, seed=seed)
    sides = [{e.label.path.name.split("_")[0] for e in side} for side in (parts.train, parts.validation)]

    assert set() == sides[0] & sides[1]
    several = {c for c, count in Counter(category for category, _ in posts).items() if count > 1}
    assert several <= {e.label.category for e in parts.train}


POSTS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 6)), min_size=2, max_size=60)


@given(posts=POSTS, count=st.integers(2, 5), seed=st.integers(0, 99))
def test_folds_hold_each_example_out_at_most_once_and_part_no_group(
    posts: list[tuple[str, int]], count: int, seed: int
) -> None:
    examples = [example(f"{post}00_p{page}.png", category) for page, (category, post) in enumerate(posts)]
    groups = group_near_duplicates(examples)
    parts = kfold_split(examples, groups, count=count, seed=seed)
    number = dict(zip(names(tuple(examples)), groups, strict=True))

    held_out = [name for part in parts for name in names(part.validation)]
    assert len(set(held_out)) == len(held_out)
    for part in parts:
        assert sorted(names(tuple(examples))) == sorted(names(part.train) + names(part.validation))
        assert {category for category, _ in posts} == {e.label.category for e in part.train}
        sides = [{number[name] for name in names(side)} for side in (part.train, part.validation)]
        assert set() == sides[0] & sides[1]


def test_folds_hold_all_out_once_when_every_category_has_enough() -> None:
    examples = [example(f"{n}.png", category) for category, count in (("a", 20), ("b", 10)) for n in range(count)]
    parts = kfold_split(examples, range(30), count=3, seed=1)

    assert sorted(names(tuple(examples))) == sorted(name for part in parts for name in names(part.validation))
    for part in parts:
        counts = Counter(e.label.category for e in part.validation)
        assert 6 <= counts["a"] <= 8
        assert 3 <= counts["b"] <= 4


def test_without_groups_to_hold_out_there_is_one_fold_without_validation() -> None:
    examples = [example("1.png", "a"), example("2.png", "b")]

    assert [()] == [part.validation for part in kfold_split(examples, [0, 1], count=3, seed=0)]


def test_a_sample_keeps_small_categories_whole() -> None:
    counts = {"many": 30, "some": 12, "few": 3}
    examples = [example(f"{category} {n}", category) for category, count in counts.items() for n in range(count)]
    sample = sample_examples(examples, most=20, seed=1)

    assert {"few": 3, "some": 8, "many": 9} == dict(Counter(one.label.category for one in sample))
    assert [one for one in examples if one in sample] == list(sample)
    assert sample == sample_examples(examples, most=20, seed=1)
    assert sample != sample_examples(examples, most=20, seed=2)
    assert tuple(examples) == sample_examples(examples, most=45, seed=1)
