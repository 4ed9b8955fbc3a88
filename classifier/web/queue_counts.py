"""How many images wait in each queue, updated with every answer: a full count is slow for long queues."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING

from classifier.catalog.queue import items_of_images
from classifier.catalog.queue_annotations import QueueAnnotations, count_queues
from classifier.records import Action
from classifier.web.category_edits import counts_by_current_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from classifier.catalog.categories import CategoryAliases
    from classifier.catalog.connection import Catalog
    from classifier.catalog.queue import QueueItem
    from classifier.records import ImageId


class QueueCounts:
    """The annotations of one catalog, and how many images are left."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self.annotations = QueueAnnotations(catalog)
        self.counts: dict[str, dict[str, int]] | None = None
        """How many are in each queue, by best guess, annotated or not; None before they are counted."""
        self.skipped: set[ImageId] = set()
        self._answered: dict[ImageId, tuple[str, str]] = {}
        self._fewer: Counter[tuple[str, str]] = Counter()

    def waiting(self, names: CategoryAliases) -> dict[str, dict[str, int]]:
        """How many wait in each queue, by the current name of the best guess, most first."""
        self.counts = self.counts or count_queues(self._catalog)
        return {
            action: {
                guess: left for guess, count in by_guess.items() if (left := count - self._fewer[action, guess]) > 0
            }
            for action, by_guess in counts_by_current_name(self.counts, names).items()
        }

    def use_predictions(self, found: dict[str, dict[str, int]] | None, names: CategoryAliases) -> None:
        """Use new predictions, counted as `found`; None if not counted yet."""
        self.counts = found
        self._answered = {
            image_id: (action, names.resolve(best)) for image_id, (action, best) in self.annotations.answered().items()
        }
        self._fewer = Counter(self._answered.values())

    def clear_status(self, image_id: ImageId) -> None:
        """Put an image back into the queue."""
        self.annotations.clear(image_id)
        self.skipped.discard(image_id)
        was = self._answered.pop(image_id, None)
        if was is not None:
            self._fewer[was] -= 1

    def set_status(self, row: QueueItem, how: str | None, category: str | None) -> None:
        """Take an image out of the queue, wholly or in part."""
        if how is None:
            return
        self.annotations.set_status(row.image_id, how, category)
        if how == "skipped":
            self.skipped.add(row.image_id)
        if how in {"answered", "skipped"}:
            self._answered[row.image_id] = (row.action.value, row.best)
            self._fewer[row.action.value, row.best] += 1

    def rule_out(
        self, image_ids: Iterable[ImageId], found: Mapping[ImageId, Iterable[str]], names: CategoryAliases
    ) -> None:
        """Store the categories that these `image_ids` are not of, by the names in the annotations.

        A category that was merged into another one no longer exists, and does not rule that one out.
        """
        for image_id in image_ids:
            kept = [name for name in found.get(image_id, ()) if names.resolve(name) == name]
            self.annotations.rule_out(image_id, chain.from_iterable(names.aliases_of(name) for name in kept))

    def update_decision(self, before: QueueItem, *, model: str) -> None:
        """Update the counts for one image whose item was `before`."""
        if self.counts is None:
            return
        after = items_of_images(self._catalog, [before.image_id], model=model)
        for row, number in ((before, -1), *((row, 1) for row in after)):
            if row.action is not Action.FILE:
                of_queue = self.counts.setdefault(row.action.value, {})
                of_queue[row.best] = of_queue.get(row.best, 0) + number
