"""Notices what others change in a library while its page is open, without making a person wait.

A sort at work changes something all the time: what the desk reads again it reads in parts, and counting, which takes
longest, is done by a connection of its own.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from classifier.catalog.connection import open_catalog
from classifier.catalog.ranking import attach_newest
from classifier.errors import IllsortError
from classifier.web.queue_counts import counts

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from classifier.web.session import ReviewSession

_PATIENCE_S: Final = 5.0


async def watch(desk: ReviewSession, library: Path, *, at_desk: Callable[[Callable[[], Any]], Awaitable[Any]]) -> None:
    """Keep `desk` up to date until cancelled; `at_desk` runs a piece of work in its thread."""
    while True:
        await asyncio.sleep(_PATIENCE_S)
        parts, changed = iter(desk.look()), False
        while await at_desk(lambda parts=parts: next(parts, 0)) is None:  # type: ignore[misc]
            changed = True
        if changed:
            outlook, found = await asyncio.to_thread(_counted, library)
            await at_desk(lambda outlook=outlook, found=found: desk.recount(found, outlook=outlook))  # type: ignore[misc]


def _counted(library: Path) -> tuple[int, dict[str, dict[str, int]]]:
    """By which outlook, and what; by none (-1) while it cannot be told, as during a very long filing."""
    try:
        with open_catalog(library) as catalog:
            return attach_newest(catalog).number, counts(catalog)
    except IllsortError:
        return -1, {}
