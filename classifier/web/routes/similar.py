"""What the browser may ask about what lies near a picture: pictures by id, with a category, or as the queue has them.

What was answered at the desk meanwhile does not wait any more and is left out.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import Response
from starlette.routing import Route

from classifier.catalog.values import select_many
from classifier.records import Action, PictureId
from classifier.web.responses import Answer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from starlette.requests import Request

    from classifier.catalog.connection import Catalog
    from classifier.web.queue import Waiting
    from classifier.web.session import ReviewSession
    from classifier.web.similar import SimilarImages

_ID: Final = re.compile(r"[0-9a-f]{64}")


def near_routes(
    near: SimilarImages,
    ask: Callable[[Callable[[ReviewSession], Any]], Awaitable[Any]],
    *,
    row: Callable[[Waiting], dict[str, Any]],
    is_there: Callable[[PictureId], bool],
) -> list[Route]:
    """The routes; `ask` runs a question at the desk, where also `row` is told.

    `is_there` tells, in any thread, whether a picture can be shown.
    """

    async def kinds(_: Request) -> Response:
        labelled, alike = await asyncio.wrap_future(near.kinds())
        return Answer({"labelled": labelled, "alike": alike})

    async def look(request: Request) -> Response:
        if not _ID.fullmatch(request.path_params["picture"]):
            return Response(status_code=404)
        picture = PictureId(request.path_params["picture"])
        found = await asyncio.wrap_future(near.look(picture))
        there = await asyncio.to_thread(lambda: [is_there(one.picture) for one in found.labelled])
        labelled = [
            {"picture": one.picture, "category": one.category, "cosine": one.cosine, "there": seen}
            for one, seen in zip(found.labelled, there, strict=True)
        ]
        alike = None if found.alike is None else await ask(lambda desk: _rows(desk, picture, found.alike or (), row))
        return Answer({"labelled": labelled, "alike": alike})

    return [Route("/api/near", kinds), Route("/api/near/{picture}", look)]


def _rows(
    desk: ReviewSession, picture: PictureId, others: Sequence[PictureId], row: Callable[[Waiting], dict[str, Any]]
) -> list[dict[str, Any]]:
    """Those of `others` that wait as `picture` does: what was skipped waits beside what was skipped alone."""
    how = desk.read(lambda catalog, _: _said(catalog, [picture, *others]))
    out = {"settled", "skipped"} - {how.get(picture)}
    left = desk.rows([one for one in others if how.get(one) not in out])
    return [row(one) for one in left if one.action is not Action.FILE]


def _said(catalog: Catalog, pictures: Sequence[PictureId]) -> dict[PictureId, str]:
    query = "SELECT picture, how FROM temp.said WHERE picture IN {pictures}"
    return {PictureId(picture): str(how) for picture, how in select_many(catalog, query, pictures)}
