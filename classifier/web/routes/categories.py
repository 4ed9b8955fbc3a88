"""The routes of categories: create and rename, and grids of images without a category."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.routing import Route

from classifier.web.clusters import cluster_images, image_clusters, list_grids, predicted_images
from classifier.web.responses import RequestError, SafeJSONResponse
from classifier.web.schemas import Body, Limit, Number, Query, read_body, read_query

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from classifier.catalog.connection import Catalog
    from classifier.web.queue import QueueItem
    from classifier.web.session import ReviewSession
    from classifier.web.suggestions import Suggestions


class _GridQuery(Query):
    look: Number | None = None
    category: str = ""
    limit: Limit = 60


class _Name(Body):
    make: str | None = None
    rename: str | None = None
    to: str | None = None


def category_routes(
    ask: Callable[[Callable[[ReviewSession], Any]], Awaitable[Any]],
    *,
    row: Callable[[QueueItem], dict[str, Any]],
    state: Callable[[], dict[str, Any]],
) -> list[Route]:
    """The routes; `ask` runs a function in the session thread, where `row` and `state` run too."""

    async def all_grids(_: Request) -> Response:
        return SafeJSONResponse(await ask(_all))

    async def one_grid(request: Request) -> Response:
        asked = read_query(request.query_params, _GridQuery)
        of = asked.category or asked.look
        if of is None or (asked.category and asked.look is not None):
            raise RequestError("not a grid")

        def shown(review_session: ReviewSession) -> dict[str, Any]:
            return {
                "pictures": [row(one) for one in _grid(review_session, of, limit=asked.limit)],
                "next": None,
            } | _all(review_session)

        return SafeJSONResponse(await ask(shown))

    async def name(request: Request) -> Response:
        match await read_body(request, _Name):
            case _Name(make=str(made), rename=None, to=None):
                return await change(lambda review_session: review_session.make_category(made))
            case _Name(make=None, rename=str(old), to=str(new)):
                return await change(lambda review_session: review_session.rename_category(old, new))
        raise RequestError("not a category")

    async def change(how: Callable[[ReviewSession], None]) -> Response:
        def run_in_session(review_session: ReviewSession) -> dict[str, Any]:
            how(review_session)
            return state()

        return SafeJSONResponse({"state": await ask(run_in_session)})

    return [
        Route("/api/grids", all_grids),
        Route("/api/grid", one_grid),
        Route("/api/categories", name, methods=["POST"]),
    ]


def _all(review_session: ReviewSession) -> dict[str, Any]:
    """Every grid in which something waits, and the state of the clusters: sent with every grid."""

    def read(catalog: Catalog, guesses: Suggestions) -> dict[str, Any]:
        found = [
            {"look": one.cluster, "category": one.category, "count": one.count}
            for one in list_grids(catalog, guesses.names)
        ]
        return {"grids": found, "groups": asdict(image_clusters(catalog))}

    return review_session.read(read)


def _grid(review_session: ReviewSession, of: int | str, *, limit: int) -> list[QueueItem]:
    """The images of a cluster, or of a predicted category."""
    if isinstance(of, int):
        return review_session.read(lambda catalog, _: cluster_images(catalog, of, limit=limit))
    return review_session.read(
        lambda catalog, guesses: predicted_images(catalog, guesses.names.aliases_of(of), limit=limit)
    )
