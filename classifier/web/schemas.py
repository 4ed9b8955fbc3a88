"""Reads what the browser sent: the one place that parses and checks the bodies and queries of all requests.

What is not exactly what the page may send is answered with 400: other types, numbers that SQLite cannot hold, text that
is not Unicode, JSON nested without end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, Json, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from classifier.records import Action, AnnotationKind, PictureId
from classifier.web.history import Answer
from classifier.web.queue import Order, Wanted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from classifier.web.queue import Key

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
    """What a POST may hold; numbers are not taken for text, nor text for numbers."""

    model_config = ConfigDict(frozen=True, strict=True)


class Query(BaseModel):
    """What may stand behind the `?`."""

    model_config = ConfigDict(frozen=True)


class _Answer(Body):
    picture: _Id
    said: Literal["right", "wrong", "none of these", "skipped"]
    category: str | None = None


class Steps(Body):
    """How many steps stood when something was asked; None where that is not said."""

    steps: Number | None = None


class Answers(Steps):
    """What was said of different pictures."""

    answers: Annotated[list[_Answer], Field(min_length=1, max_length=MOST)]


class FolderQuery(Query):
    """A folder of the crawl by the number that the page was told."""

    folder: Number | None = None


class _QueueQuery(Query):
    tray: Literal["review", "unknown"] = "review"
    order: Order = Order.SURETY
    category: str = ""
    skipped: bool = False
    grid: bool = False
    look: Number | Literal[""] = ""
    limit: Limit = 60
    after: Json[list[_Place | str]] | None = None


async def read_body(request: Request, model: type[Model]) -> Model:
    """The request's body. Answers 400 when it is none of the model's, or was not sent to its end."""
    try:
        return model.model_validate_json(await request.body() or b"{}")
    except ValidationError as error:
        raise _not_understood(error) from None
    except ClientDisconnect:
        raise HTTPException(400, "not understood") from None


def read_query(query: Mapping[str, str], model: type[Model]) -> Model:
    """The request's query. Answers 400 when it is none of the model's."""
    try:
        return model.model_validate(dict(query))
    except ValidationError as error:
        raise _not_understood(error) from None


def wanted_from(query: Mapping[str, str]) -> tuple[Wanted, list[Key] | None, int]:
    """Which part of the queue, behind which place, how many. Answers 400 for anything else."""
    asked = read_query(query, _QueueQuery)
    wanted = Wanted(
        action=Action(asked.tray),
        order=asked.order,
        category=asked.category or None,
        skipped=asked.skipped,
        grid=asked.grid,
        look=None if asked.look == "" else int(asked.look),
    )
    if asked.after is not None and len(asked.after) != len(wanted.keys):
        raise HTTPException(400, "not a place in the queue")
    return wanted, asked.after, asked.limit


async def answers_from(request: Request) -> tuple[list[Answer], int | None]:
    """What was said, and how many steps stood before. Answers 400 when it is no answers about different pictures."""
    sent = await read_body(request, Answers)
    answers = [
        Answer(picture=PictureId(one.picture), said=AnnotationKind(one.said), category=one.category)
        for one in sent.answers
    ]
    if len({answer.picture for answer in answers}) < len(answers):
        raise HTTPException(400, "one picture was answered twice")
    return answers, sent.steps


async def answer_from(request: Request) -> tuple[Answer, int | None]:
    """The same of one picture."""
    answers, steps = await answers_from(request)
    if len(answers) > 1:
        raise HTTPException(400, "one picture is answered at a time")
    return answers[0], steps


def _not_understood(error: ValidationError) -> HTTPException:
    first: dict[str, Any] = dict(error.errors(include_url=False, include_context=False, include_input=False)[0])
    where = ".".join(str(part) for part in first["loc"])
    return HTTPException(400, f"not understood: {where} {first['msg']}")
