"""The page's static files: the index and what it loads, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from starlette.responses import Response
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

PAGE: Final = Path(__file__).parent / "static"
_KINDS: Final = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def static_routes() -> list[Route]:
    """The index at `/`, and each file by its name."""
    files = {path.name: path for path in PAGE.iterdir() if path.suffix in _KINDS}

    async def index(_: Request) -> Response:
        return _sent(files["index.html"])

    async def static(request: Request) -> Response:
        path = files.get(request.path_params["name"])
        return Response(status_code=404) if path is None else _sent(path)

    return [Route("/", index), Route("/static/{name}", static)]


def _sent(path: Path) -> Response:
    return Response(path.read_bytes(), media_type=_KINDS[path.suffix], headers={"Cache-Control": "no-cache"})
