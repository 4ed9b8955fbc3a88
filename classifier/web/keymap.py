"""Which key means which category; pure, and the same for the same categories, so that hands can learn it."""

from __future__ import annotations

from string import ascii_lowercase, ascii_uppercase
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_DIGITS: Final = "1234567890"
_TAKEN: Final = frozenset("sugofzncy")
"""Keys of the page itself: skip, none of these, grid, order, file, closer, new category or wrong, categories, right.

So is the capital F.
"""


def keys_for(categories: Sequence[str]) -> dict[str, str]:
    """A key for each category, as far as they go: digits, then letters of its own name, then any letter, then capitals.

    Those beyond all keys get none: they are clicked.
    """
    given = dict(zip(categories, _DIGITS, strict=False))
    free = [letter for letter in ascii_lowercase if letter not in _TAKEN]
    rest = [category for category in categories if category not in given]
    for category in rest:
        own = next((letter for letter in category.lower() if letter in free), None)
        if own is not None:
            given[category] = own
            free.remove(own)
    without = [category for category in rest if category not in given]
    return given | dict(zip(without, [*free, *ascii_uppercase.replace("F", "")], strict=False))
