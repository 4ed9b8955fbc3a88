"""The routes of the audit."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from classifier.web import audit_service
from classifier.web.requests import Answers, Body, Number, Query, Steps, get, post
from classifier.web.responses import queue_item, skipped_files

if TYPE_CHECKING:
    from starlette.routing import Route

    from classifier.web.app import Review
    from classifier.web.session import ReviewSession


class _Begin(Body):
    count: Number | None = None
    until: Annotated[float, Field(ge=1e-4, lt=1)] | None = None


class _How(Body):
    by_threshold: bool = False


def audit_routes(page: Review) -> list[Route]:
    """The routes of the audits of `page`."""

    def audit(session: ReviewSession) -> dict[str, Any]:
        state = audit_service.audit_state(page.session.catalog, page.library, max_error=page.max_error)
        return state | {"pictures": [queue_item(session, item) for item in session.rows(state["pictures"])]}

    def with_state(session: ReviewSession) -> dict[str, Any]:
        return {"audit": audit(session), "state": page.state(session)}

    async def show(_: Query) -> dict[str, Any]:
        await asyncio.to_thread(import_module, "scipy.stats")  # takes a second, while the session goes on
        return await page.session.run(with_state)

    async def begin(sent: _Begin) -> dict[str, Any]:
        await asyncio.to_thread(audit_service.begin, page.library, sent.count or None, until=sent.until)
        return await page.session.run(with_state)

    @page.session.task
    def say(session: ReviewSession, sent: Answers) -> dict[str, Any]:
        audit_service.answer(session, page.session.catalog, page.library, sent.single(), steps=sent.steps)
        return {"audit": audit(session), "state": page.state_after(session, answers=1)}

    @page.session.task
    def back(session: ReviewSession, sent: Steps) -> dict[str, Any]:
        audit_service.take_back(session, page.session.catalog, page.library, steps=sent.steps)
        return {"audit": audit(session), "state": page.state_after(session, answers=1)}

    async def file(sent: _How) -> dict[str, Any]:
        made = await asyncio.to_thread(
            audit_service.file_outcome, page.library, by_threshold=sent.by_threshold, max_error=page.max_error
        )
        await page.session.run(lambda session: session.refresh())
        filed = {"run": made.run, "moved": made.moved, "left": skipped_files(made.left)}
        return filed | await page.session.run(with_state)

    return [
        get("/api/audit", Query, show),
        post("/api/audit/begin", _Begin, begin),
        post("/api/audit/say", Answers, say),
        post("/api/audit/back", Steps, back),
        post("/api/audit/file", _How, file),
    ]
