"""The routes of what is filed and of its copies: their pages, and what in the whole library is most like one image."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from classifier.catalog.copies import keep_all
from classifier.catalog.filed_images import FiledOrder
from classifier.records import ImageId
from classifier.web.filed import counts_by_name, shown_items
from classifier.web.requests import MOST, Body, Limit, Query, get, post
from classifier.web.routes.images import ImageQuery

if TYPE_CHECKING:
    from starlette.routing import Route

    from classifier.web.app import Review


class _FiledQuery(Query):
    category: str = ""
    order: FiledOrder = FiledOrder.NEWEST
    limit: Limit = 60
    after: Annotated[int, Field(ge=0, le=2**31)] | None = None


class _Copies(Body):
    pictures: Annotated[list[Annotated[str, Field(pattern="^[0-9a-f]{64}$")]], Field(min_length=1, max_length=MOST)]


def filed_routes(page: Review) -> list[Route]:
    """The routes of what is filed in the library of `page`."""

    async def filed(sent: _FiledQuery) -> dict[str, Any]:
        names = await page.session.run(lambda session: session.suggestions.names)
        wanted = {sent.category, *names.aliases_of(sent.category)} if sent.category else None
        found = await asyncio.wrap_future(page.filed.page(wanted, order=sent.order, after=sent.after, limit=sent.limit))
        return await page.session.run(
            lambda session: {
                "pictures": shown_items(session, found.image_ids),
                "next": found.next,
                "counts": counts_by_name(session, found.counts.items()),
            }
        )

    async def like(sent: ImageQuery) -> dict[str, Any]:
        taught = await asyncio.wrap_future(page.similar.labels())
        found = await asyncio.wrap_future(page.most_alike.search(ImageId(sent.image_id), taught))
        return {"pictures": await page.session.run(lambda session: shown_items(session, found))}

    async def keep(sent: _Copies) -> dict[str, Any]:
        image_ids = [ImageId(one) for one in sent.pictures]
        return {
            "kept": await page.session.run(
                lambda session: session.read(lambda catalog, _: keep_all(catalog, image_ids))
            )
        }

    return [
        get("/api/filed", _FiledQuery, filed),
        get("/api/filed/like/{picture:id}", ImageQuery, like),
        post("/api/copies/keep", _Copies, keep),
    ]
