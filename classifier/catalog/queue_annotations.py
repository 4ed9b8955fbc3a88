"""What annotations make of the images of the queue, in temporary tables of one connection.

`temp.annotated` has `how`: "answered" and "skipped" keep an image out of the queue; "wrong" does not, and names the
category that the image is not of. `temp.ruled_out` has every category that a person ruled out for an image, under all
names that the category is stored by.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from classifier.catalog.values import select_many
from classifier.records import Action, ImageId

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from classifier.catalog.connection import Catalog

_TABLES: Final = (
    """CREATE TEMP TABLE IF NOT EXISTS annotated (
        picture TEXT PRIMARY KEY, how TEXT NOT NULL, category TEXT) WITHOUT ROWID""",
    """CREATE TEMP TABLE IF NOT EXISTS ruled_out (
        picture TEXT, category TEXT, PRIMARY KEY (picture, category)) WITHOUT ROWID""",
)
_COUNTS: Final = """
SELECT d.action, coalesce(r.category, d.category), count(*) FROM decisions AS d
LEFT JOIN outlook.ranks AS r ON r.picture = d.picture AND r.action = d.action
CROSS JOIN places ON places.picture = d.picture
WHERE d.action IN ('review', 'unknown') GROUP BY 1, 2 ORDER BY 3 DESC, 2
"""
_ANSWERED: Final = """
SELECT d.picture, d.action, coalesce(r.category, d.category)
FROM temp.annotated CROSS JOIN decisions AS d ON d.picture = annotated.picture
LEFT JOIN outlook.ranks AS r ON r.picture = d.picture AND r.action = d.action
WHERE annotated.how IN ('answered', 'skipped')
"""


class QueueAnnotations:
    """The status of each annotated image, and the categories that are ruled out for it."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        for table in _TABLES:
            catalog.connection.execute(table)

    def clear(self, image_id: ImageId) -> None:
        """Put an image back into the queue."""
        self._catalog.connection.execute("DELETE FROM temp.annotated WHERE picture = ?", (image_id,))

    def set_status(self, image_id: ImageId, how: str, category: str | None) -> None:
        """Set the status of an image that has none."""
        values = (image_id, how, category)
        self._catalog.connection.execute("INSERT INTO temp.annotated (picture, how, category) VALUES (?, ?, ?)", values)

    def status_of(self, image_ids: Sequence[ImageId]) -> dict[ImageId, str]:
        """The status of each of these images that has one."""
        query = "SELECT picture, how FROM temp.annotated WHERE picture IN {pictures}"
        return {ImageId(image_id): str(how) for image_id, how in select_many(self._catalog, query, image_ids)}

    def answered(self) -> dict[ImageId, tuple[str, str]]:
        """Queue and best guess of each image that is answered or skipped."""
        rows = self._catalog.connection.execute(_ANSWERED)
        return {ImageId(image_id): (action, best) for image_id, action, best in rows}

    def count_by_category(self) -> dict[str, int]:
        """How many images a person put into each category."""
        query = (
            "SELECT category, count(*) FROM temp.annotated "
            "WHERE how = 'answered' AND category IS NOT NULL GROUP BY category"
        )
        return dict(self._catalog.connection.execute(query).fetchall())

    def rule_out(self, image_id: ImageId, names: Iterable[str]) -> None:
        """Store the categories, by all their stored names, that an image is not of, in place of earlier ones."""
        connection = self._catalog.connection
        connection.execute("DELETE FROM temp.ruled_out WHERE picture = ?", (image_id,))
        connection.executemany(
            "INSERT OR IGNORE INTO temp.ruled_out VALUES (?, ?)", [(image_id, name) for name in names]
        )

    def ruled_out(self, image_id: ImageId) -> set[str]:
        """The categories that an image is not of, under all stored names."""
        query = "SELECT category FROM temp.ruled_out WHERE picture = ?"
        return {str(category) for (category,) in self._catalog.connection.execute(query, (image_id,))}


def count_queues(catalog: Catalog) -> dict[str, dict[str, int]]:
    """The number of images in each queue by best guess, most first, annotated or not; slow for long queues."""
    found: dict[str, dict[str, int]] = {Action.REVIEW.value: {}, Action.UNKNOWN.value: {}}
    for action, category, count in catalog.connection.execute(_COUNTS):
        found[action][category] = count
    return found
