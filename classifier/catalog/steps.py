"""The steps of the review page, each taken back as one: numbered in the order in which they were made.

The number says which step came last; the clock does not, for it can be set back or stand still.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from classifier.catalog.connection import Catalog


def begin(catalog: Catalog, *, at: str) -> int:
    """Record a new step, made at the time `at`; returns its number, greater than every number before it."""
    with catalog.transaction() as connection:
        return int(connection.execute("INSERT INTO steps (at) VALUES (?)", (at,)).lastrowid or 0)
