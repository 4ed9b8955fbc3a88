"""What the browser may ask about categories: new, called otherwise, and grids of pictures that have no name yet."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from classifier.review.answer import Answer
from classifier.review.grids import grids, groups, of_look, taken_for

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from classifier.catalogue.store import Catalogue
    from classifier.review.desk import Desk
    from classifier.review.guesses import Guesses
    from classifier.review.queue import Waiting

_MOST: Final = 200


def naming_routes(
    ask: Callable[[Callable[[Desk], Any]], Awaitable[Any]],
    *,
    row: Callable[[Waiting], dict[str, Any]],
    state: Callable[[], dict[str, Any]],
) -> list[Route]:
    """The routes; `ask` runs a question at the desk, where also `row` and `state` are told."""

    async def all_grids(_: Request) -> Response:
        return Answer(await ask(_all))

    async def one_grid(request: Request) -> Response:
        look, category = request.query_params.get("look", ""), request.query_params.get("category", "")
        limit = request.query_params.get("limit", "60")
        if not (look.isdecimal() != bool(category) and limit.isdecimal() and 0 < int(limit) <= _MOST):
            raise HTTPException(400, "not a grid")
        of = category or int(look)

        def shown(desk: Desk) -> dict[str, Any]:
            return {"pictures": [row(one) for one in _grid(desk, of, limit=int(limit))], "next": None} | _all(desk)

        return Answer(await ask(shown))

    async def name(request: Request) -> Response:
        wanted = _names(await request.body())

        def change(desk: Desk) -> dict[str, Any]:
            if wanted.keys() == {"make"}:
                desk.make(wanted["make"])
            else:
                desk.rename(wanted["rename"], wanted["to"])
            return state()

        return Answer({"state": await ask(change)})

    return [
        Route("/api/grids", all_grids),
        Route("/api/grid", one_grid),
        Route("/api/categories", name, methods=["POST"]),
    ]


def _all(desk: Desk) -> dict[str, Any]:
    """Every grid in which something waits, and how many groups were looked at: sent with every grid, as of then."""

    def read(catalogue: Catalogue, guesses: Guesses) -> dict[str, Any]:
        found = [
            {"look": one.look, "category": one.category, "count": one.count} for one in grids(catalogue, guesses.names)
        ]
        return {"grids": found, "groups": asdict(groups(catalogue))}

    return desk.read(read)


def _grid(desk: Desk, of: int | str, *, limit: int) -> list[Waiting]:
    """A cluster by its number, or what is taken for a category."""
    if isinstance(of, int):
        return desk.read(lambda catalogue, _: of_look(catalogue, of, limit=limit))
    return desk.read(lambda catalogue, guesses: taken_for(catalogue, guesses.names.behind(of), limit=limit))


def _names(sent: bytes) -> dict[str, str]:
    """What is to be made, or renamed and to what; HTTPException for anything else."""
    try:
        told = json.loads(sent)
    except ValueError:
        told = None
    if not isinstance(told, dict) or set(told) not in ({"make"}, {"rename", "to"}):
        raise HTTPException(400, "not a category")
    if not all(isinstance(value, str) for value in told.values()):
        raise HTTPException(400, "not a category")
    return told
