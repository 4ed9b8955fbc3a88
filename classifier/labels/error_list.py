"""Many things that are wrong, told at once in one line: a person mends them together, not one a run. Pure."""

from __future__ import annotations

from collections.abc import Sequence

_MOST = 10


def all_at_once(wrong: Sequence[str], *, between: str = "; ") -> str:
    """The first ten, and how many more there are."""
    more = len(wrong) - _MOST
    return between.join([*wrong[:_MOST], *([f"and {more:,} more"] if more > 0 else [])])
