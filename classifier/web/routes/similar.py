"""The routes of similar images. Images that were answered meanwhile are left out."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from classifier.records import Action, ImageId
from classifier.web.responses import queue_item
from classifier.web.routes.endpoint import get
from classifier.web.schemas import Query

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.routing import Route

    from classifier.web.app import Review
    from classifier.web.session import ReviewSession


class _PictureQuery(Query):
    picture: str


def similar_routes(page: Review) -> list[Route]:
    """The routes of what is similar to an image of `page`."""

    async def kinds(_: Query) -> dict[str, Any]:
        labeled, alike = await asyncio.wrap_future(page.similar.kinds())
        return {"labelled": labeled, "alike": alike}

    async def look(sent: _PictureQuery) -> dict[str, Any]:
        picture = ImageId(sent.picture)
        found = await asyncio.wrap_future(page.similar.look(picture))
        there = await asyncio.to_thread(lambda: [page.path_of(one.picture) is not None for one in found.labeled])
        labeled = [
            {"picture": one.picture, "category": one.category, "cosine": one.cosine, "there": is_there}
            for one, is_there in zip(found.labeled, there, strict=True)
        ]
        alike = found.alike
        waiting = None if alike is None else await page.session.run(lambda session: _items(session, picture, alike))
        return {"labelled": labeled, "alike": waiting}

    return [get("/api/near", Query, kinds), get("/api/near/{picture:id}", _PictureQuery, look)]


def _items(session: ReviewSession, picture: ImageId, others: Sequence[ImageId]) -> list[dict[str, Any]]:
    """Those of `others` that wait as `picture` does: skipped images appear beside skipped ones only."""
    how = session.annotations.status_of([picture, *others])
    out = {"settled", "skipped"} - {how.get(picture)}
    left = session.rows([one for one in others if how.get(one) not in out])
    return [queue_item(session, one) for one in left if one.action is not Action.FILE]
