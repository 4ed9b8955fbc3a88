"""Notices what others change in a library while its page is open, without making a person wait.

A sort at work changes something all the time: what the desk reads again it reads in parts, and counting, which takes
longest, is done by a connection of its own.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from classifier.catalogue.store import open_catalogue
from classifier.errors import IllsortError
from classifier.review.queue import counts

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from classifier.review.desk import Desk

_PATIENCE_S: Final = 5.0


async def watch(desk: Desk, library: Path, *, at_desk: Callable[[Callable[[], Any]], Awaitable[Any]]) -> None:
    """Keep `desk` up to date until cancelled; `at_desk` runs a piece of work in its thread."""
    while True:
        await asyncio.sleep(_PATIENCE_S)
        parts, changed = iter(desk.look()), False
        while await at_desk(lambda parts=parts: next(parts, 0)) is None:  # type: ignore[misc]
            changed = True
        if changed:
            found = await asyncio.to_thread(_counted, library)
            if found is not None:
                await at_desk(lambda found=found: desk.recount(found))  # type: ignore[misc]


def _counted(library: Path) -> dict[str, dict[str, int]] | None:
    """None while it cannot be told, as during a filing that takes very long: the next time will do."""
    try:
        with open_catalogue(library) as catalogue:
            return counts(catalogue)
    except IllsortError:
        return None
