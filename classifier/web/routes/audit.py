"""The page's requests about an audit, as words to the desk's thread."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.routing import Route

from classifier.web.responses import Answer, left_of
from classifier.web.schemas import Body, Number, Steps, answer_from, read_body

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path
    from types import ModuleType

    from starlette.requests import Request

    from classifier.catalog.connection import Catalog
    from classifier.records import PictureId
    from classifier.web.session import ReviewSession


class _Count(Body):
    count: Number | None = None


class _How(Body):
    by_threshold: bool = False


@dataclass(frozen=True, kw_only=True)
class RouteContext:
    """What the requests need of the page's server; `at_desk` runs work in the desk's thread, and so must the others.

    `taught` is the state after something was said that can be learned from.
    """

    library: Path
    at_desk: Callable[[Callable[[], Any]], Awaitable[Any]]
    desk: Callable[[], tuple[ReviewSession, Catalog]]
    rows: Callable[[list[PictureId]], list[dict[str, Any]]]
    state: Callable[[], dict[str, Any]]
    taught: Callable[[], dict[str, Any]]


class AuditRoutes:
    """What the page asks about its audit. What needs scipy is loaded by the first question, not by the start."""

    def __init__(self, place: RouteContext) -> None:
        self._place = place
        self.routes = [
            Route("/api/audit", self._show),
            Route("/api/audit/begin", self._begin, methods=["POST"]),
            Route("/api/audit/say", self._say, methods=["POST"]),
            Route("/api/audit/back", self._back, methods=["POST"]),
            Route("/api/audit/file", self._file, methods=["POST"]),
        ]

    async def _show(self, _: Request) -> Response:
        await asyncio.to_thread(_auditing)  # loaded beside the desk, which goes on meanwhile
        return Answer(await self._place.at_desk(self._told))

    async def _begin(self, request: Request) -> Response:
        count = (await read_body(request, _Count)).count
        await asyncio.to_thread(_auditing().begin, self._place.library, count or None)
        return Answer(await self._place.at_desk(self._told))

    async def _say(self, request: Request) -> Response:
        answer, steps = await answer_from(request)

        def say() -> dict[str, Any]:
            _auditing().answer(*self._place.desk(), self._place.library, answer, steps=steps)
            return self._told(self._place.taught)

        return Answer(await self._place.at_desk(say))

    async def _back(self, request: Request) -> Response:
        steps = (await read_body(request, Steps)).steps

        def back() -> dict[str, Any]:
            _auditing().take_back(*self._place.desk(), self._place.library, steps=steps)
            return self._told(self._place.taught)

        return Answer(await self._place.at_desk(back))

    async def _file(self, request: Request) -> Response:
        by_threshold = (await read_body(request, _How)).by_threshold
        made = await asyncio.to_thread(_auditing().file_outcome, self._place.library, by_threshold=by_threshold)

        def after() -> dict[str, Any]:
            self._place.desk()[0].refresh()
            return self._told()

        told = await self._place.at_desk(after)
        return Answer({"run": made.run, "moved": made.moved, "left": left_of(made.left), **told})

    def _told(self, state: Callable[[], dict[str, Any]] | None = None) -> dict[str, Any]:
        told = _auditing().told(self._place.desk()[1], self._place.library)
        rows = self._place.rows(told["pictures"])
        return {"audit": told | {"pictures": rows}, "state": (state or self._place.state)()}


def _auditing() -> ModuleType:
    from classifier.web import audit_service  # noqa: PLC0415 - its bounds need scipy

    return audit_service
