"""The routes of label issues."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.routing import Route

from classifier.labels.load import library_option
from classifier.web import label_issues
from classifier.web.responses import SafeJSONResponse
from classifier.web.schemas import Steps, read_answer, read_body

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from classifier.web.label_issues import LabelIssue
    from classifier.web.routes.audit import RouteContext
    from classifier.web.session import ReviewSession


def label_issue_routes(place: RouteContext, *, labels: Callable[[], tuple[LabelIssue, ...]]) -> list[Route]:
    """The routes; `labels` reads the issues, in any thread but that of the session."""

    def told(found: tuple[LabelIssue, ...]) -> dict[str, Any]:
        return label_issues.issues_state(place.review_session()[0], found) | {"option": library_option(place.library)}

    async def show(_: Request) -> Response:
        found = await asyncio.to_thread(labels)
        return SafeJSONResponse({"doubts": await place.run_in_session(lambda: told(found))})

    async def say(request: Request) -> Response:
        answer, _ = await read_answer(request)
        return await after(lambda review_session, found: label_issues.answer(review_session, found, answer))

    async def back(request: Request) -> Response:
        steps = (await read_body(request, Steps)).steps
        return await after(lambda review_session, found: label_issues.take_back(review_session, found, steps=steps))

    async def after(word: Callable[[ReviewSession, tuple[LabelIssue, ...]], None]) -> Response:
        found = await asyncio.to_thread(labels)

        def heard() -> dict[str, Any]:
            word(place.review_session()[0], found)
            return {"doubts": told(found), "state": place.taught()}

        return SafeJSONResponse(await place.run_in_session(heard))

    return [
        Route("/api/doubts", show),
        Route("/api/doubts/say", say, methods=["POST"]),
        Route("/api/doubts/back", back, methods=["POST"]),
    ]
