"""All that is filed, in an order in which a person may look through it; or the copies of it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from classifier.catalog.category_folders import OUTSIDE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.catalog.connection import Catalog


class FiledOrder(StrEnum):
    """The order of what is filed; the values are those of URLs."""

    CONFIDENCE = "surety"
    """By confidence, the lowest first; what a person decided comes last, for it is not in doubt."""
    NEWEST = "newest"
    """By run, the last first, then by confidence."""
    COPIES = "copies"
    """In place of what is filed its copies in `_duplicates`, those of one picture together."""


_KEYS: Final = {
    FiledOrder.CONFIDENCE: "coalesce(d.reason_code IN ('annotated', 'moved_by_person'), 0), d.confidence, d.picture",
    FiledOrder.NEWEST: "d.run DESC, d.confidence, d.picture",
    FiledOrder.COPIES: "d.category, d.reason_params, d.picture",
}
# Both tables are read along their ids: by an index of decisions, each place is somewhere else on the disk.
_SHOWN: Final = """
SELECT d.picture, d.category FROM decisions AS d NOT INDEXED
CROSS JOIN places ON places.picture = d.picture WHERE {which} ORDER BY {keys}
"""
_FILED: Final = f"d.action = 'file' AND NOT {OUTSIDE}"
_COPIES: Final = "d.action = 'duplicate'"


def filed_images(catalog: Catalog, order: FiledOrder) -> Iterator[tuple[str, str]]:
    """Id and category of every filed image in a category, the category by its stored name. Reads all decisions."""
    which = _COPIES if order is FiledOrder.COPIES else _FILED
    return catalog.connection.execute(_SHOWN.format(which=which, keys=_KEYS[order]))
