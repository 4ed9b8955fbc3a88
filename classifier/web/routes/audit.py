"""The routes of the audit."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.routing import Route

from classifier.web.responses import SafeJSONResponse, skipped_files
from classifier.web.schemas import Body, Number, Steps, read_answer, read_body

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

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
    """What the routes need of the app; `run_in_session` runs work in the session thread, where the others must run.

    `taught` is the state after an annotation, which is reported to the learner. `max_error` is the error rate that an
    audit must show to be kept; None for that of the last sort.
    """

    library: Path
    max_error: float | None
    run_in_session: Callable[[Callable[[], Any]], Awaitable[Any]]
    review_session: Callable[[], tuple[ReviewSession, Catalog]]
    rows: Callable[[list[PictureId]], list[dict[str, Any]]]
    state: Callable[[], dict[str, Any]]
    taught: Callable[[], dict[str, Any]]


class AuditRoutes:
    """The routes of the audit. scipy is loaded by the first request, not at the start."""

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
        # imported in a thread, while the session goes on
        await asyncio.to_thread(import_module, "classifier.web.audit_service")
        return SafeJSONResponse(await self._place.run_in_session(self._told))

    async def _begin(self, request: Request) -> Response:
        from classifier.web import audit_service

        count = (await read_body(request, _Count)).count
        await asyncio.to_thread(audit_service.begin, self._place.library, count or None)
        return SafeJSONResponse(await self._place.run_in_session(self._told))

    async def _say(self, request: Request) -> Response:
        from classifier.web import audit_service

        answer, steps = await read_answer(request)

        def say() -> dict[str, Any]:
            audit_service.answer(*self._place.review_session(), self._place.library, answer, steps=steps)
            return self._told(self._place.taught)

        return SafeJSONResponse(await self._place.run_in_session(say))

    async def _back(self, request: Request) -> Response:
        from classifier.web import audit_service

        steps = (await read_body(request, Steps)).steps

        def back() -> dict[str, Any]:
            audit_service.take_back(*self._place.review_session(), self._place.library, steps=steps)
            return self._told(self._place.taught)

        return SafeJSONResponse(await self._place.run_in_session(back))

    async def _file(self, request: Request) -> Response:
        from classifier.web import audit_service

        by_threshold = (await read_body(request, _How)).by_threshold
        made = await asyncio.to_thread(
            audit_service.file_outcome,
            self._place.library,
            by_threshold=by_threshold,
            max_error=self._place.max_error,
        )

        def after() -> dict[str, Any]:
            self._place.review_session()[0].refresh()
            return self._told()

        told = await self._place.run_in_session(after)
        return SafeJSONResponse({"run": made.run, "moved": made.moved, "left": skipped_files(made.left), **told})

    def _told(self, state: Callable[[], dict[str, Any]] | None = None) -> dict[str, Any]:
        from classifier.web import audit_service

        told = audit_service.audit_state(
            self._place.review_session()[1], self._place.library, max_error=self._place.max_error
        )
        rows = self._place.rows(told["pictures"])
        return {"audit": told | {"pictures": rows}, "state": (state or self._place.state)()}
