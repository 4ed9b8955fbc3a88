"""How many images wait in each queue, updated with every answer: a full count is slow for long queues."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from classifier.records import Action, PictureId
from classifier.web.category_edits import counts_by_current_name
from classifier.web.queue import ANNOTATED_TABLE, RULED_OUT_TABLE, items_of_images

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from classifier.catalog.categories import CategoryAliases
    from classifier.catalog.connection import Catalog
    from classifier.web.queue import QueueItem


_COUNTS: Final = """
SELECT d.action, coalesce(r.category, d.category), count(*) FROM decisions AS d
LEFT JOIN outlook.ranks AS r ON r.picture = d.picture AND r.action = d.action
CROSS JOIN places ON places.picture = d.picture
WHERE d.action IN ('review', 'unknown') GROUP BY 1, 2 ORDER BY 3 DESC, 2
"""
_SETTLED: Final = """
SELECT d.picture, d.action, coalesce(r.category, d.category)
FROM temp.said CROSS JOIN decisions AS d ON d.picture = said.picture
LEFT JOIN outlook.ranks AS r ON r.picture = d.picture AND r.action = d.action
WHERE said.how IN ('settled', 'skipped')
"""


class QueueCounts:
    """The answers to one catalog, and how many images are left."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self.counts: dict[str, dict[str, int]] | None = None
        """How many lie in each tray, by best guess, answered or not; None before they are counted."""
        self.skipped: set[PictureId] = set()
        self._settled: dict[PictureId, tuple[str, str]] = {}
        self._fewer: Counter[tuple[str, str]] = Counter()
        catalog.connection.execute(ANNOTATED_TABLE)
        catalog.connection.execute(RULED_OUT_TABLE)

    def waiting(self, names: CategoryAliases) -> dict[str, dict[str, int]]:
        """How many wait in each queue, by the current name of the best guess, most first."""
        self.counts = self.counts or count_queues(self._catalog)
        return {
            action: {
                guess: left for guess, count in by_guess.items() if (left := count - self._fewer[action, guess]) > 0
            }
            for action, by_guess in counts_by_current_name(self.counts, names).items()
        }

    def guess_anew(self, found: dict[str, dict[str, int]] | None, names: CategoryAliases) -> None:
        """Use new predictions, counted as `found`; None if not counted yet."""
        self.counts = found
        self._settled = {
            picture: (action, names.resolve(best)) for picture, (action, best) in settled_items(self._catalog).items()
        }
        self._fewer = Counter(self._settled.values())

    def leave(self, picture: PictureId) -> None:
        """Put an image back into the queue."""
        self._catalog.connection.execute("DELETE FROM temp.said WHERE picture = ?", (picture,))
        self.skipped.discard(picture)
        was = self._settled.pop(picture, None)
        if was is not None:
            self._fewer[was] -= 1

    def enter(self, row: QueueItem, how: str | None, category: str | None) -> None:
        """Take an image out of the queue, wholly or in part."""
        if how is None:
            return
        values = (row.picture, how, category)
        self._catalog.connection.execute("INSERT INTO temp.said (picture, how, category) VALUES (?, ?, ?)", values)
        if how == "skipped":
            self.skipped.add(row.picture)
        if how in {"settled", "skipped"}:
            self._settled[row.picture] = (row.action.value, row.best)
            self._fewer[row.action.value, row.best] += 1

    def rule_out(
        self, pictures: Iterable[PictureId], found: Mapping[PictureId, Iterable[str]], names: CategoryAliases
    ) -> None:
        """Store the categories that these `pictures` are not of, by the names in the annotations.

        A category that was merged into another one no longer exists, and does not rule that one out.
        """
        execute = self._catalog.connection.execute
        for picture in pictures:
            execute("DELETE FROM temp.ruled_out WHERE picture = ?", (picture,))
            for name in found.get(picture, ()):
                for kept in names.aliases_of(name) if names.resolve(name) == name else ():
                    execute("INSERT OR IGNORE INTO temp.ruled_out VALUES (?, ?)", (picture, kept))

    def ruled_out(self, picture: PictureId) -> set[str]:
        """The categories that an image is not of, under all stored names."""
        query = "SELECT category FROM temp.ruled_out WHERE picture = ?"
        return {str(category) for (category,) in self._catalog.connection.execute(query, (picture,))}

    def decided_anew(self, before: QueueItem, *, model: str) -> None:
        """Update the counts for one image whose item was `before`."""
        if self.counts is None:
            return
        after = items_of_images(self._catalog, [before.picture], model=model)
        for row, number in ((before, -1), *((row, 1) for row in after)):
            if row.action is not Action.FILE:
                of_tray = self.counts.setdefault(row.action.value, {})
                of_tray[row.best] = of_tray.get(row.best, 0) + number


def count_queues(catalog: Catalog) -> dict[str, dict[str, int]]:
    """The number of images in each queue by best guess, most first, answered or not; slow for long queues."""
    found: dict[str, dict[str, int]] = {Action.REVIEW.value: {}, Action.UNKNOWN.value: {}}
    for action, category, count in catalog.connection.execute(_COUNTS):
        found[action][category] = count
    return found


def settled_items(catalog: Catalog) -> dict[PictureId, tuple[str, str]]:
    """Queue and best guess of each image that is settled or skipped."""
    rows = catalog.connection.execute(_SETTLED)
    return {PictureId(picture): (action, best) for picture, action, best in rows}


def count_annotated(catalog: Catalog) -> dict[str, int]:
    """How many images a person put into each category."""
    query = "SELECT category, count(*) FROM temp.said WHERE how = 'settled' AND category IS NOT NULL GROUP BY category"
    return dict(catalog.connection.execute(query).fetchall())
