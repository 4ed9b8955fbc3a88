"""What the browser may ask about categories: new, called otherwise, and grids of pictures that have no name yet."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from classifier.web.clusters import grids, groups, of_look, taken_for
from classifier.web.responses import Answer
from classifier.web.schemas import Body, Limit, Number, Query, read_body, read_query

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from classifier.catalog.connection import Catalog
    from classifier.web.queue import Waiting
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


def naming_routes(
    ask: Callable[[Callable[[ReviewSession], Any]], Awaitable[Any]],
    *,
    row: Callable[[Waiting], dict[str, Any]],
    state: Callable[[], dict[str, Any]],
) -> list[Route]:
    """The routes; `ask` runs a question at the desk, where also `row` and `state` are told."""

    async def all_grids(_: Request) -> Response:
        return Answer(await ask(_all))

    async def one_grid(request: Request) -> Response:
        asked = read_query(request.query_params, _GridQuery)
        of = asked.category or asked.look
        if of is None or (asked.category and asked.look is not None):
            raise HTTPException(400, "not a grid")

        def shown(desk: ReviewSession) -> dict[str, Any]:
            return {"pictures": [row(one) for one in _grid(desk, of, limit=asked.limit)], "next": None} | _all(desk)

        return Answer(await ask(shown))

    async def name(request: Request) -> Response:
        match await read_body(request, _Name):
            case _Name(make=str(made), rename=None, to=None):
                return await change(lambda desk: desk.make(made))
            case _Name(make=None, rename=str(old), to=str(new)):
                return await change(lambda desk: desk.rename(old, new))
        raise HTTPException(400, "not a category")

    async def change(how: Callable[[ReviewSession], None]) -> Response:
        def at_desk(desk: ReviewSession) -> dict[str, Any]:
            how(desk)
            return state()

        return Answer({"state": await ask(at_desk)})

    return [
        Route("/api/grids", all_grids),
        Route("/api/grid", one_grid),
        Route("/api/categories", name, methods=["POST"]),
    ]


def _all(desk: ReviewSession) -> dict[str, Any]:
    """Every grid in which something waits, and how many groups were looked at: sent with every grid, as of then."""

    def read(catalog: Catalog, guesses: Suggestions) -> dict[str, Any]:
        found = [
            {"look": one.look, "category": one.category, "count": one.count} for one in grids(catalog, guesses.names)
        ]
        return {"grids": found, "groups": asdict(groups(catalog))}

    return desk.read(read)


def _grid(desk: ReviewSession, of: int | str, *, limit: int) -> list[Waiting]:
    """A cluster by its number, or what is taken for a category."""
    if isinstance(of, int):
        return desk.read(lambda catalog, _: of_look(catalog, of, limit=limit))
    return desk.read(lambda catalog, guesses: taken_for(catalog, guesses.names.aliases_of(of), limit=limit))
