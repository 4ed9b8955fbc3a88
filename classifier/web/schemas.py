"""The schemas of all requests: parses and checks bodies and queries.

Anything that the page does not send is answered with 400: other types, numbers beyond SQLite, text that is not Unicode,
deeply nested JSON.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, Json, ValidationError
from starlette.requests import ClientDisconnect, Request

from classifier.records import Action, AnnotationKind, PictureId
from classifier.validation import first_problem
from classifier.web.history import Answer
from classifier.web.queue import Order, QueueFilter
from classifier.web.responses import RequestError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from classifier.web.queue import CursorValue

Model = TypeVar("Model", bound=BaseModel)
MOST: Final = 200
"""Pictures at most in one request."""
_LARGEST: Final = 2**63 - 1  # of SQLite

Number = Annotated[int, Field(ge=0, le=100_000)]
"""A count, or the number of something that the page was told of."""
Limit = Annotated[int, Field(ge=1, le=MOST)]
_Id = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
_Place = (
    Annotated[int, Field(strict=True, ge=-_LARGEST, le=_LARGEST)]
    | Annotated[float, Field(strict=True, allow_inf_nan=False)]
)


class Body(BaseModel):
    """The body of a POST; numbers are not taken as text, nor text as numbers."""

    model_config = ConfigDict(frozen=True, strict=True)


class Query(BaseModel):
    """The query of a GET."""

    model_config = ConfigDict(frozen=True)


class _Answer(Body):
    picture: _Id
    said: Literal["right", "wrong", "none of these", "skipped"]
    category: str | None = None


class Steps(Body):
    """How many steps there were at the time of the request; None if not given."""

    steps: Number | None = None


class Answers(Steps):
    """Answers about different images."""

    answers: Annotated[list[_Answer], Field(min_length=1, max_length=MOST)]


class FolderQuery(Query):
    """A folder of the crawl by its number."""

    folder: Number | None = None


class _QueueQuery(Query):
    tray: Literal["review", "unknown"] = "review"
    order: Order = Order.CONFIDENCE
    category: str = ""
    skipped: bool = False
    grid: bool = False
    look: Number | Literal[""] = ""
    limit: Limit = 60
    after: Json[list[_Place | str]] | None = None


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


def read_queue_query(query: Mapping[str, str]) -> tuple[QueueFilter, list[CursorValue] | None, int]:
    """Filter, cursor and limit of a queue query. Answers 400 for anything else."""
    asked = read_query(query, _QueueQuery)
    wanted = QueueFilter(
        action=Action(asked.tray),
        order=asked.order,
        category=asked.category or None,
        skipped=asked.skipped,
        grid=asked.grid,
        cluster=None if asked.look == "" else int(asked.look),
    )
    if asked.after is not None and len(asked.after) != len(wanted.keys):
        raise RequestError("not a place in the queue")
    return wanted, asked.after, asked.limit


async def read_answers(request: Request) -> tuple[list[Answer], int | None]:
    """The answers in a body, and the number of steps before. Answers 400 for a repeated image."""
    sent = await read_body(request, Answers)
    answers = [
        Answer(picture=PictureId(one.picture), said=AnnotationKind(one.said), category=one.category)
        for one in sent.answers
    ]
    if len({answer.picture for answer in answers}) < len(answers):
        raise RequestError("one picture was answered twice")
    return answers, sent.steps


async def read_answer(request: Request) -> tuple[Answer, int | None]:
    """The same for exactly one image."""
    answers, steps = await read_answers(request)
    if len(answers) > 1:
        raise RequestError("one picture is answered at a time")
    return answers[0], steps


def _not_understood(error: ValidationError) -> RequestError:
    return RequestError("not understood: {why}", why=first_problem(error))
