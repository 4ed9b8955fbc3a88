"""Routes as functions of a checked request: parses a body or query, and sends what the function returns as JSON.

Anything that the page does not send is answered with 400: other types, numbers beyond SQLite, text that is not Unicode,
deeply nested JSON. Here are the schemas that several routes share.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import ClientDisconnect, Request
from starlette.routing import Route

from classifier.records import AnnotationKind, ImageId
from classifier.validation import first_problem
from classifier.web.history import Answer
from classifier.web.responses import RequestError, SafeJSONResponse

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.responses import Response

Model = TypeVar("Model", bound=BaseModel)
MOST: Final = 200
"""Most images in one request."""
_LARGEST: Final = 2**63 - 1  # of SQLite

Number = Annotated[int, Field(ge=0, le=100_000)]
"""A count, or a number that the page was sent."""
ImageIdText = Annotated[str, Field(pattern="^[0-9a-f]{64}$", alias="picture")]
"""An image id in a body."""
Limit = Annotated[int, Field(ge=1, le=MOST)]
Cursor = list[
    Annotated[int, Field(strict=True, ge=-_LARGEST, le=_LARGEST)]
    | Annotated[float, Field(strict=True, allow_inf_nan=False)]
    | str
]
"""A place in the queue, as it was sent to the page."""


class Body(BaseModel):
    """The body of a POST; numbers are not taken as text, nor text as numbers."""

    model_config = ConfigDict(frozen=True, strict=True)


class Query(BaseModel):
    """The query of a GET."""

    model_config = ConfigDict(frozen=True)


class _Answer(Body):
    image_id: ImageIdText
    kind: Literal["right", "wrong", "none of these", "skipped"] = Field(alias="said")
    category: str | None = None


class Steps(Body):
    """How many steps there were at the time of the request; None if not given."""

    steps: Number | None = None


class Answers(Steps):
    """Answers about different images."""

    answers: Annotated[list[_Answer], Field(min_length=1, max_length=MOST)]

    def parsed(self) -> list[Answer]:
        """The answers. Answers 400 for a repeated image."""
        if len({one.image_id for one in self.answers}) < len(self.answers):
            raise RequestError("one picture was answered twice")
        return [
            Answer(image_id=ImageId(one.image_id), kind=AnnotationKind(one.kind), category=one.category)
            for one in self.answers
        ]

    def single(self) -> Answer:
        """The one answer. Answers 400 for several."""
        if len(self.answers) > 1:
            raise RequestError("one picture is answered at a time")
        return self.parsed()[0]


async def read_body(request: Request, model: type[Model]) -> Model:
    """Parse the body of a request. Answers 400 if it does not fit `model`, or was not sent completely."""
    try:
        return model.model_validate_json(await request.body() or b"{}")
    except ValidationError as error:
        raise _not_understood(error) from None
    except ClientDisconnect:
        raise RequestError("not understood") from None


def read_query(query: Mapping[str, str], model: type[Model]) -> Model:
    """Parse the query of a request. Answers 400 if it does not fit `model`."""
    try:
        return model.model_validate(dict(query))
    except ValidationError as error:
        raise _not_understood(error) from None


def _not_understood(error: ValidationError) -> RequestError:
    return RequestError("not understood: {why}", why=first_problem(error))


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
