"""The responses of the page's server: JSON that is valid Unicode, and errors in English and Chinese."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from classifier.catalog.connection import reported_as_library_error
from classifier.errors import IllsortError
from classifier.paths import displayable, to_json
from classifier.web.i18n import in_both_languages

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from pathlib import Path

    from starlette.requests import Request


class SafeJSONResponse(JSONResponse):
    """A JSON response that is valid Unicode."""

    def render(self, content: Any) -> bytes:
        """The bytes of the response."""
        return to_json(content).encode()


def skipped_files(left: Iterable[tuple[Path, str]]) -> list[dict[str, str]]:
    """The images that could not be moved, and why."""
    return [{"name": displayable(path.name), **in_both_languages("why", why)} for path, why in left]


async def error_response(_: Request, error: Exception) -> SafeJSONResponse:
    """The response to an IllsortError or a bad request."""
    if isinstance(error, HTTPException):
        return SafeJSONResponse(
            in_both_languages("error", error.detail), status_code=error.status_code, headers=error.headers
        )
    message = error.message if isinstance(error, IllsortError) else str(error)
    return SafeJSONResponse(in_both_languages("error", message), status_code=409)


def damage_handler(library: Path) -> Callable[[Request, Exception], Awaitable[SafeJSONResponse]]:
    """A handler for requests that a damaged catalog ended; any other error is a bug and is raised again."""

    async def answer(request: Request, error: Exception) -> SafeJSONResponse:
        def find_damage() -> None:
            with reported_as_library_error(library):
                raise error

        try:
            await asyncio.to_thread(find_damage)
        except IllsortError as damaged:
            told = await error_response(request, damaged)
            told.status_code = 500
            return told
        raise error

    return answer
