"""What is said of held-out labels that are too few."""

from __future__ import annotations

from typing import Any

import pytest

from classifier.cli.few_labels import FEWEST, too_few
from classifier.model.binomial_bounds import upper_bound


def evaluation(*, right: int, counts: dict[str, int]) -> dict[str, Any]:
    total = sum(counts.values())
    return {
        "accuracy": right / total if total else None,
        "count": total,
        "per_category": [{"category": category, "count": count} for category, count in counts.items()],
    }


def test_enough_labels_of_each_category_need_no_word() -> None:
    assert [] == list(too_few(evaluation(right=92, counts={"page": 50, "chibi": 50})))


def test_sixteen_labels_say_little_and_how_little() -> None:
    first, *_ = too_few(evaluation(right=6, counts=dict.fromkeys("abcdefgh", 2)))

    assert "So few labels say little: of pictures like them 15% to 65% would be predicted right." == first


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        (
            {"page": 200, "chibi": 2},
            "Too few held-out labels to judge 1 category by: chibi (2); label more of it, until 5 are held out.",
        ),
        (
            {"page": 0, "chibi": 2, "icon": 300},
            (
                "Too few held-out labels to judge 2 categories by: page (0), chibi (2); "
                "label more of each, until 5 are held out."
            ),
        ),
    ],
)
def test_categories_of_few_labels_are_named(counts: dict[str, int], sentence: str) -> None:
    assert [sentence] == list(too_few(evaluation(right=sum(counts.values()) - 1, counts=counts)))


def test_of_many_categories_five_are_named() -> None:
    *_, last = too_few(evaluation(right=120, counts={f"k{number:02}": 2 for number in range(60)}))

    assert "60 categories by: k00 (2), k01 (2), k02 (2), k03 (2), k04 (2) and others; label" in last


def test_without_any_held_out_label_nothing_is_known() -> None:
    (only,) = too_few(evaluation(right=0, counts={}))

    assert only.startswith("No label could be held out")


def test_fewest_is_where_all_right_shows_that_most_are() -> None:
    sure = [count for count in range(1, 20) if 1 - upper_bound(0, count, 0.95) > 0.5]

    assert FEWEST == sure[0]
