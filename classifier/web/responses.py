"""The responses of the page's server: JSON that is valid Unicode, items of the queue, and errors in both languages."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from classifier.catalog.connection import reported_as_library_error
from classifier.category_names import at_depth
from classifier.errors import IllsortError, Message, message_of
from classifier.filing.destination import parent_levels
from classifier.i18n import Language, translate
from classifier.paths import displayable, to_json
from classifier.reason_text import reason_message

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from starlette.requests import Request

    from classifier.catalog.connection import Catalog
    from classifier.catalog.queue import QueueItem
    from classifier.web.session import ReviewSession


_BY_STATUS: Final = {404: Message("Not Found"), 405: Message("Method Not Allowed")}
"""The errors of the framework itself."""


class RequestError(IllsortError):
    """A request that is not answered, with the status of the response."""

    def __init__(self, template: str, /, *, status: int = 400, **params: object) -> None:
        super().__init__(template, **params)
        self.status = status


class SafeJSONResponse(JSONResponse):
    """A JSON response that is valid Unicode."""

    def render(self, content: Any) -> bytes:
        """The bytes of the response."""
        return to_json(content).encode()


def in_both_languages(name: str, message: str) -> dict[str, str]:
    """The message for the page: under `name` in English, under `name`_zh in Chinese."""
    both = {name: str(message), f"{name}_zh": translate(message, Language.CHINESE)}
    return {key: displayable(text, keep="\n") for key, text in both.items()}


def queue_item(session: ReviewSession, item: QueueItem) -> dict[str, Any]:
    """An image of the queue, or a filed one, as the page shows it; in the session's thread."""
    category, confidence = session.suggestion_of(item)
    return {
        "picture": item.image_id,
        "tray": item.action.value,
        "category": category,
        "confidence": confidence,
        "ruled_out": sorted(session.ruled_out(item.image_id)),
        "look": item.cluster,
        "parent": at_depth(item.category, levels) if (levels := parent_levels(item.action, item.reason)) else "",
        **in_both_languages("reason", reason_message(item.reason)),
        "learned_since": session.is_newer_than_reason(item),
        "name": displayable(item.path.name),
        "path": displayable(session.read(lambda catalog, _: _library_of(catalog)) / item.path),
        "width": item.width,
        "height": item.height,
        "guesses": list(session.probabilities_of(item).items())[:5],
    }


def _library_of(catalog: Catalog) -> Path:
    """The folder whose catalog it is."""
    return Path() if catalog.path is None else catalog.path.absolute().parent.parent


def skipped_files(left: Iterable[tuple[Path, str]]) -> list[dict[str, str]]:
    """The images that could not be moved, and why."""
    return [{"name": displayable(path.name), **in_both_languages("why", why)} for path, why in left]


async def error_response(_: Request, error: Exception) -> SafeJSONResponse:
    """The response to an IllsortError, or to an error of the framework."""
    if isinstance(error, HTTPException):
        message = _BY_STATUS.get(error.status_code, Message(error.detail))
        return refusal(message, error.status_code, headers=error.headers)
    return refusal(message_of(error), error.status if isinstance(error, RequestError) else 409)


def refusal(message: Message, status: int, *, headers: Mapping[str, str] | None = None) -> SafeJSONResponse:
    """The response that says why a request is not answered, in both languages."""
    return SafeJSONResponse(in_both_languages("error", message), status_code=status, headers=headers)


def damage_handler(library: Path) -> Callable[[Request, Exception], Awaitable[SafeJSONResponse]]:
    """A handler for requests that a damaged catalog ended; any other error is a bug and is raised again."""

    async def answer(request: Request, error: Exception) -> SafeJSONResponse:
        def find_damage() -> None:
            with reported_as_library_error(library):
                raise error

        try:
            await asyncio.to_thread(find_damage)
        except IllsortError as damaged:
            response = await error_response(request, damaged)
            response.status_code = 500
            return response
        raise error

    return answer
