"""What the held-out labels are too few to say: sentences for after the figures of a training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from classifier.errors import Counted, Message
from classifier.model.binomial_bounds import upper_bound

if TYPE_CHECKING:
    from collections.abc import Iterator

FEWEST: Final = 5
"""Held-out labels of a category from which on it can be seen that most of it is right: of four, all right, it cannot.

By the exact bound at 95%, all of four right are at least 0.47 of the category, all of five 0.55.
"""
_CONFIDENCE: Final = 0.95
_BROAD: Final = 0.2
_NAMED: Final = 5


def too_few(evaluation: dict[str, Any]) -> Iterator[Message]:
    """What cannot be known by so few held-out labels; nothing where they are enough. `evaluation` is a bundle's."""
    if evaluation["accuracy"] is None:
        yield Message("No label could be held out, so nothing says how often this model is right: label more.")
        return
    low, high = _interval(round(evaluation["accuracy"] * evaluation["count"]), evaluation["count"])
    if high - low > _BROAD:
        yield Message(
            "So few labels say little: of pictures like them {low:.0%} to {high:.0%} would be predicted right.",
            low=low,
            high=high,
        )
    few = [(row["count"], row["category"]) for row in evaluation["per_category"] if row["count"] < FEWEST]
    if few:
        yield _of_categories(sorted(few))


def _of_categories(few: list[tuple[int, str]]) -> Message:
    named = ", ".join(f"{category} ({count})" for count, category in few[:_NAMED])
    return Counted(
        "Too few held-out labels to judge {count} category by: {categories}; "
        "label more of it, until {least} are held out.",
        "Too few held-out labels to judge {count} categories by: {categories}; "
        "label more of each, until {least} are held out.",
        count=len(few),
        categories=named if len(few) <= _NAMED else Message("{names} and others", names=named),
        least=FEWEST,
    )


def _interval(right: int, count: int) -> tuple[float, float]:
    """The Clopper-Pearson interval of the share that is right, 0..1."""
    each_side = 1 - (1 - _CONFIDENCE) / 2
    return 1 - upper_bound(count - right, count, each_side), upper_bound(right, count, each_side)
