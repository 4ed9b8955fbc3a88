"""Polls for changes by other processes while the page is open.

A running sort changes something all the time, so the session reads in parts, and counting, the slowest, has its own
connection.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from classifier.catalog.connection import open_catalog
from classifier.catalog.ranking import attach_newest
from classifier.errors import IllsortError
from classifier.web.queue_counts import count_queues

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from classifier.web.session import ReviewSession

_INTERVAL_S: Final = 5.0


async def watch(
    review_session: ReviewSession, library: Path, *, run_in_session: Callable[[Callable[[], Any]], Awaitable[Any]]
) -> None:
    """Keep the session up to date until cancelled; `run_in_session` runs work in its thread."""
    while True:
        await asyncio.sleep(_INTERVAL_S)
        parts, changed = iter(review_session.read_changes()), False
        while await run_in_session(lambda parts=parts: next(parts, 0)) is None:  # type: ignore[misc]
            changed = True
        if changed:
            outlook, found = await asyncio.to_thread(_counted, library)
            await run_in_session(lambda outlook=outlook, found=found: review_session.recount(found, outlook=outlook))  # type: ignore[misc]


def _counted(library: Path) -> tuple[int, dict[str, dict[str, int]]]:
    """The number of the ranking, and the counts by it; -1 while the catalog cannot be read."""
    try:
        with open_catalog(library) as catalog:
            return attach_newest(catalog).number, count_queues(catalog)
    except IllsortError:
        return -1, {}
