"""Makes a route of a function: parses the query or body, calls the function, and sends its result as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.convertors import Convertor, register_url_convertor
from starlette.routing import Route

from classifier.web.responses import SafeJSONResponse
from classifier.web.schemas import Model, read_body, read_query

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response


class _IdConvertor(Convertor[str]):
    """An image id in a path, as `{picture:id}`; any other text is answered with 404."""

    regex = "[0-9a-f]{64}"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("id", _IdConvertor())


def get(path: str, schema: type[Model], answer: Callable[[Model], Awaitable[Any]]) -> Route:
    """The route of a GET; its path and query are parsed by `schema`."""

    async def endpoint(request: Request) -> Response:
        return SafeJSONResponse(await answer(read_query({**request.query_params, **request.path_params}, schema)))

    return Route(path, endpoint)


def post(path: str, schema: type[Model], answer: Callable[[Model], Awaitable[Any]]) -> Route:
    """The route of a POST; its body is parsed by `schema`."""

    async def endpoint(request: Request) -> Response:
        return SafeJSONResponse(await answer(await read_body(request, schema)))

    return Route(path, endpoint, methods=["POST"])
