"""The routes of similar images. Images that were answered meanwhile are left out."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import Response
from starlette.routing import Route

from classifier.catalog.values import select_many
from classifier.records import Action, PictureId
from classifier.web.responses import SafeJSONResponse

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from starlette.requests import Request

    from classifier.catalog.connection import Catalog
    from classifier.web.queue import QueueItem
    from classifier.web.session import ReviewSession
    from classifier.web.similar import SimilarImages

_ID: Final = re.compile(r"[0-9a-f]{64}")


def similar_routes(
    near: SimilarImages,
    ask: Callable[[Callable[[ReviewSession], Any]], Awaitable[Any]],
    *,
    row: Callable[[QueueItem], dict[str, Any]],
    is_there: Callable[[PictureId], bool],
) -> list[Route]:
    """The routes; `ask` runs a function in the session thread, where `row` runs too.

    `is_there` returns, in any thread, whether an image can be shown.
    """

    async def kinds(_: Request) -> Response:
        labeled, alike = await asyncio.wrap_future(near.kinds())
        return SafeJSONResponse({"labelled": labeled, "alike": alike})

    async def look(request: Request) -> Response:
        if not _ID.fullmatch(request.path_params["picture"]):
            return Response(status_code=404)
        picture = PictureId(request.path_params["picture"])
        found = await asyncio.wrap_future(near.look(picture))
        there = await asyncio.to_thread(lambda: [is_there(one.picture) for one in found.labeled])
        labeled = [
            {"picture": one.picture, "category": one.category, "cosine": one.cosine, "there": seen}
            for one, seen in zip(found.labeled, there, strict=True)
        ]
        alike = (
            None
            if found.alike is None
            else await ask(lambda review_session: _rows(review_session, picture, found.alike or (), row))
        )
        return SafeJSONResponse({"labelled": labeled, "alike": alike})

    return [Route("/api/near", kinds), Route("/api/near/{picture}", look)]


def _rows(
    review_session: ReviewSession,
    picture: PictureId,
    others: Sequence[PictureId],
    row: Callable[[QueueItem], dict[str, Any]],
) -> list[dict[str, Any]]:
    """Those of `others` that wait as `picture` does: skipped images appear beside skipped ones only."""
    how = review_session.read(lambda catalog, _: _said(catalog, [picture, *others]))
    out = {"settled", "skipped"} - {how.get(picture)}
    left = review_session.rows([one for one in others if how.get(one) not in out])
    return [row(one) for one in left if one.action is not Action.FILE]


def _said(catalog: Catalog, pictures: Sequence[PictureId]) -> dict[PictureId, str]:
    query = "SELECT picture, how FROM temp.said WHERE picture IN {pictures}"
    return {PictureId(picture): str(how) for picture, how in select_many(catalog, query, pictures)}
