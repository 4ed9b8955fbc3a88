"""The rooms of the home page: the page of a library, below a path, opened when it is first asked and closed at the end.

Only requests with the page's key come here: the guard of the home page answers all others.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Final

from starlette.routing import Mount

from classifier.catalog.connection import is_library
from classifier.errors import SettingsError
from classifier.paths import command
from classifier.web.app import Review, prepare
from classifier.web.home.steps import STEPS
from classifier.web.pending_moves import file_decided
from classifier.web.routes.images import static_routes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from starlette.types import Receive, Scope, Send

    from classifier.web.learner_process import LearnerTarget

PATHS: Final = ("/label", "/review")


class Room:
    """The page of the folder that `library` names at the moment; the one before is closed when that changes."""

    def __init__(
        self,
        library: Callable[[], Path],
        learn: LearnerTarget | None,
        *,
        by_chance: Callable[[], float],
        reading: Callable[[], dict[str, Any] | None] | None = None,
    ) -> None:
        self._library = library
        self._by_chance = by_chance
        self._learn = learn
        self._reading = reading
        self._opening = asyncio.Lock()
        self._page: Review | None = None
        self._stack = AsyncExitStack()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request by the page. Raises IllsortError where there is none."""
        page = await self._opened()
        await page.app(scope, receive, send)

    async def close(self) -> None:
        """Close the page, if it is open."""
        async with self._opening:
            await self._close()

    async def file_decided(self) -> None:
        """File what was decided in the page, now or before the server was started. Raises IllsortError.

        Does nothing where the project names no folder for it, as with labels of a CSV file.
        """
        try:
            library = self._library()
        except SettingsError:
            return
        if is_library(library):
            await asyncio.to_thread(file_decided, library)
            if self._page is not None:
                await self._page.session.run(lambda session: session.refresh())

    async def _opened(self) -> Review:
        async with self._opening:
            library = self._library()
            if self._page is None or self._page.library != library:
                await self._close()
                await asyncio.to_thread(prepare, library)
                page = Review(
                    library,
                    learn=self._learn,
                    train=command(*STEPS["train"]),
                    by_chance=self._by_chance(),
                    reading=self._reading,
                )
                await self._stack.enter_async_context(page.opened())
                self._page = page
            return self._page

    async def _close(self) -> None:
        self._page = None
        await self._stack.aclose()


def room_routes(path: str, room: Room) -> Mount:
    """The routes of a room below `path`: its own files, which hold no secret, and all else from the library."""
    return Mount(path, routes=[*static_routes(), Mount("", app=room)])
