"""The page's requests about doubtful labels, as words to the desk's thread."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.routing import Route

from classifier.labels.load import library_option
from classifier.web import label_issues
from classifier.web.responses import Answer
from classifier.web.schemas import Steps, answer_from, read_body

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from classifier.web.label_issues import Doubtful
    from classifier.web.routes.audit import RouteContext
    from classifier.web.session import ReviewSession


def doubt_routes(place: RouteContext, *, labels: Callable[[], tuple[Doubtful, ...]]) -> list[Route]:
    """The routes; `labels` reads which are doubtful, in any thread but the desk's."""

    def told(found: tuple[Doubtful, ...]) -> dict[str, Any]:
        return label_issues.told(place.desk()[0], found) | {"option": library_option(place.library)}

    async def show(_: Request) -> Response:
        found = await asyncio.to_thread(labels)
        return Answer({"doubts": await place.at_desk(lambda: told(found))})

    async def say(request: Request) -> Response:
        answer, _ = await answer_from(request)
        return await after(lambda desk, found: label_issues.answer(desk, found, answer))

    async def back(request: Request) -> Response:
        steps = (await read_body(request, Steps)).steps
        return await after(lambda desk, found: label_issues.take_back(desk, found, steps=steps))

    async def after(word: Callable[[ReviewSession, tuple[Doubtful, ...]], None]) -> Response:
        found = await asyncio.to_thread(labels)

        def heard() -> dict[str, Any]:
            word(place.desk()[0], found)
            return {"doubts": told(found), "state": place.taught()}

        return Answer(await place.at_desk(heard))

    return [
        Route("/api/doubts", show),
        Route("/api/doubts/say", say, methods=["POST"]),
        Route("/api/doubts/back", back, methods=["POST"]),
    ]
