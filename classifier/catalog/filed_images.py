"""All that is filed, in an order in which a person may look through it."""

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


_KEYS: Final = {
    FiledOrder.CONFIDENCE: "coalesce(d.reason_code IN ('annotated', 'moved_by_person'), 0), d.confidence, d.picture",
    FiledOrder.NEWEST: "d.run DESC, d.confidence, d.picture",
}
# Both tables are read along their ids: by an index of decisions, each place is somewhere else on the disk.
_FILED: Final = f"""
SELECT d.picture, d.category FROM decisions AS d NOT INDEXED
CROSS JOIN places ON places.picture = d.picture WHERE d.action = 'file' AND NOT {OUTSIDE} ORDER BY {{keys}}
"""  # noqa: S608 - a constant


def filed_images(catalog: Catalog, order: FiledOrder) -> Iterator[tuple[str, str]]:
    """Id and category of every filed image in a category, the category by its stored name. Reads all decisions."""
    return catalog.connection.execute(_FILED.format(keys=_KEYS[order]))
