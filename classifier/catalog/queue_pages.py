"""The pages of the queue, in every order."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from classifier.catalog import queue, queue_by_path
from classifier.catalog.queue import Order
from classifier.catalog.queue_by_ranking import RankedQueue
from classifier.catalog.queue_folder import FolderFilter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classifier.catalog.connection import Catalog
    from classifier.catalog.queue import CursorValue, QueueFilter, QueueItem
    from classifier.catalog.ranking import RankingSnapshot


class QueuePages:
    """The queue of one catalog, by the newest ranking that `use_newest_ranking` found."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._ranked = RankedQueue(catalog)
        self._folder_filter = FolderFilter(catalog)

    @property
    def ranking(self) -> RankingSnapshot:
        """The attached ranking."""
        return self._ranked.snapshot

    def use_newest_ranking(self) -> bool:
        """Attach the newest ranking. Returns whether it is new."""
        return self._ranked.use_newest()

    def decisions_changed(self) -> None:
        """Decisions changed: what the ranking lacks is looked up again."""
        self._ranked.changed()

    def files_changed(self) -> None:
        """Files and decisions changed: the images of the folder are looked up again too."""
        self._ranked.changed()
        self._folder_filter.changed()

    def page(
        self, wanted: QueueFilter, *, model: str, after: Sequence[CursorValue] | None, limit: int
    ) -> list[QueueItem]:
        """The next `limit` items after the cursor `after` (None: from the beginning)."""
        if wanted.order is Order.PATH:
            return queue_by_path.page(self._catalog, wanted, model=model, after=after, limit=limit)
        wanted = replace(wanted, is_small=self._folder_filter.select(wanted.folder))
        if wanted.by_ranking:
            return self._ranked.page(wanted, model=model, after=after, limit=limit)
        return queue.page(self._catalog, wanted, model=model, after=after, limit=limit)
