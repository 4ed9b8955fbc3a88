"""The routes of what is no JSON: images by their id, and the page's own files."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from classifier.records import ImageId
from classifier.web.thumbnail_service import SIDES

if TYPE_CHECKING:
    from starlette.requests import Request

    from classifier.web.app import Review

STATIC: Final = Path(__file__).parents[1] / "static"
_TYPES: Final = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
"""Not those of the system's registry, in which a Windows program may have changed them."""


def image_routes(page: Review) -> list[Route]:
    """The route of the images of `page`."""

    async def image(request: Request) -> Response:
        picture, size = request.path_params["picture"], request.path_params["size"]
        made = await asyncio.wrap_future(page.thumbnails.see(ImageId(picture), size)) if size in SIDES else None
        if made is None:
            raise HTTPException(404)
        # Content by its hash never changes.
        return Response(made, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=86400, immutable"})

    return [Route("/picture/{picture:id}/{size}", image)]


def static_routes() -> list[Route]:
    """The index at `/`, and each file by its name."""
    files = {path.name: path for path in STATIC.iterdir() if path.suffix in _TYPES}

    async def static(request: Request) -> Response:
        path = files.get(request.path_params.get("name", "index.html"))
        if path is None:
            raise HTTPException(404)
        return Response(path.read_bytes(), media_type=_TYPES[path.suffix], headers={"Cache-Control": "no-cache"})

    return [Route("/", static), Route("/static/{name}", static)]
