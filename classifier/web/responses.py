"""The responses of the page's server: JSON that is valid Unicode, and errors in English and Chinese."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from classifier.catalog.connection import reported_as_library_error
from classifier.errors import IllsortError
from classifier.paths import displayable, to_json
from classifier.web.i18n import both

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from pathlib import Path

    from starlette.requests import Request


class Answer(JSONResponse):
    """One answer of the page's server."""

    def render(self, content: Any) -> bytes:
        """The bytes that are sent."""
        return to_json(content).encode()


def left_of(left: Iterable[tuple[Path, str]]) -> list[dict[str, str]]:
    """The pictures that could not be moved, and why."""
    return [{"name": displayable(path.name), **both("why", why)} for path, why in left]


async def refuse(_: Request, error: Exception) -> Answer:
    """The answer to a request that ends in an IllsortError, or that was not understood."""
    if isinstance(error, HTTPException):
        return Answer(both("error", error.detail), status_code=error.status_code, headers=error.headers)
    return Answer(both("error", str(error)), status_code=409)


def refuse_damaged(library: Path) -> Callable[[Request, Exception], Awaitable[Answer]]:
    """Answers a request that a damaged catalog ended; any other error is our bug, and stays it."""

    async def answer(request: Request, error: Exception) -> Answer:
        def find_damage() -> None:
            with reported_as_library_error(library):
                raise error

        try:
            await asyncio.to_thread(find_damage)
        except IllsortError as damaged:
            told = await refuse(request, damaged)
            told.status_code = 500
            return told
        raise error

    return answer
