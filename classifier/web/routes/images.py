"""The routes of images by their id, of their files and what is similar to them, and of the page's own files."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from classifier.errors import IllsortError
from classifier.records import Action, ImageId
from classifier.web.requests import Body, ImageIdText, Query, get, read_body
from classifier.web.responses import SafeJSONResponse, queue_item
from classifier.web.security import is_loopback
from classifier.web.show_in_folder import show_in_folder
from classifier.web.thumbnail_service import SIDES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request

    from classifier.web.app import Review
    from classifier.web.neighbors import Neighbor
    from classifier.web.session import ReviewSession

STATIC: Final = Path(__file__).parents[1] / "static"
_TYPES: Final = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
"""Content types by extension; those of the Windows registry may have been changed by other programs."""


def image_routes(page: Review) -> list[Route]:
    """The route of the images of `page`."""

    async def image(request: Request) -> Response:
        image_id, size = request.path_params["picture"], request.path_params["size"]
        made = await asyncio.wrap_future(page.thumbnails.see(ImageId(image_id), size)) if size in SIDES else None
        if made is None:
            raise HTTPException(404)
        # Content by its hash never changes.
        return Response(made, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=86400, immutable"})

    async def show(request: Request) -> Response:
        sent = await read_body(request, _ShownImage)
        if not _is_same_machine(request):
            raise IllsortError("the pictures are on another machine than this browser: copy the path")
        path = await asyncio.to_thread(page.path_of, ImageId(sent.image_id))
        if path is None:
            raise HTTPException(404)
        await asyncio.to_thread(show_in_folder, path)
        return SafeJSONResponse({})

    return [
        Route("/picture/{picture:id}/{size}", image),
        Route("/api/show-in-folder", show, methods=["POST"]),
    ]


def _is_same_machine(request: Request) -> bool:
    """Whether the browser runs on this machine, also when it takes the machine's address in the network."""
    client, server = request.client, request.scope.get("server")
    return client is not None and (is_loopback(client.host) or (server is not None and client.host == server[0]))


class _ShownImage(Body):
    image_id: ImageIdText


def static_routes(index: str = "index.html") -> list[Route]:
    """The page `index` at `/`, and each file by its name."""
    files = {path.name: path for path in STATIC.iterdir() if path.suffix in _TYPES}

    async def static(request: Request) -> Response:
        path = files.get(request.path_params.get("name", index))
        if path is None:
            raise HTTPException(404)
        return Response(path.read_bytes(), media_type=_TYPES[path.suffix], headers={"Cache-Control": "no-cache"})

    return [Route("/", static), Route("/static/{name}", static)]


class ImageQuery(Query):
    """An image by its id in the path."""

    image_id: str = Field(alias="picture")


def similar_routes(page: Review) -> list[Route]:
    """The routes of what is similar to an image of `page`."""

    async def kinds(_: Query) -> dict[str, Any]:
        labeled, alike = await asyncio.wrap_future(page.similar.kinds())
        return {"labelled": labeled, "alike": alike}

    async def look(sent: ImageQuery) -> dict[str, Any]:
        image_id = ImageId(sent.image_id)
        found = await asyncio.wrap_future(page.similar.look(image_id))
        labeled = await neighbors_json(page, found.labeled)
        alike = found.alike
        waiting = None if alike is None else await page.session.run(lambda session: _items(session, image_id, alike))
        pages = await page.session.run(lambda session: _items(session, image_id, found.pages))
        return {"labelled": labeled, "alike": waiting, "pages": pages}

    return [get("/api/near", Query, kinds), get("/api/near/{picture:id}", ImageQuery, look)]


async def neighbors_json(page: Review, neighbors: Sequence[Neighbor]) -> list[dict[str, Any]]:
    """Labeled images as the page shows them; `there` is whether their file still holds them."""
    there = await asyncio.to_thread(lambda: [page.path_of(one.image_id) is not None for one in neighbors])
    return [
        {"picture": one.image_id, "category": one.category, "cosine": one.cosine, "there": is_there}
        for one, is_there in zip(neighbors, there, strict=True)
    ]


def _items(session: ReviewSession, image_id: ImageId, others: Sequence[ImageId]) -> list[dict[str, Any]]:
    """Those of `others` that wait as `image_id` does: skipped images appear beside skipped ones only."""
    how = session.annotations.status_of([image_id, *others])
    out = {"answered", "skipped"} - {how.get(image_id)}
    left = session.rows([one for one in others if how.get(one) not in out])
    return [queue_item(session, one) for one in left if one.action is not Action.FILE]
