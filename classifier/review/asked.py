"""Reads what the browser sent, and refuses all that is not exactly what the page may send; pure."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, Final

from classifier.records import Action, PictureId, Said
from classifier.review.queue import Key, Order, Wanted
from classifier.review.steps import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

_ID: Final = re.compile(r"[0-9a-f]{64}")
_MOST: Final = 200
_WORDS: Final = {said.value: said for said in (Said.RIGHT, Said.WRONG, Said.NONE, Said.SKIPPED)}


def wanted_from(query: Mapping[str, str]) -> tuple[Wanted, list[Key] | None, int]:
    """Which part of the queue, behind which place, how many. Raises ValueError for anything else."""
    action = Action(query.get("tray", Action.REVIEW))
    if action is Action.FILE:
        raise ValueError("what is filed does not wait")
    wanted = Wanted(
        action=action,
        order=Order(query.get("order", Order.SURETY)),
        category=query.get("category") or None,
        skipped=query.get("skipped") == "1",
        grid=query.get("grid") == "1",
        look=int(query["look"]) if query.get("look") else None,
    )
    limit = int(query.get("limit", "60"))
    if not 0 < limit <= _MOST:
        raise ValueError(f"between 1 and {_MOST} pictures a page")
    after = query.get("after")
    return wanted, None if after is None else _place(after, len(wanted.keys)), limit


def answers_from(sent: Any) -> list[Answer]:
    """What was said. Raises ValueError when it is not a list of answers about different pictures."""
    given = sent.get("answers") if isinstance(sent, dict) else None
    if not isinstance(given, list) or not 0 < len(given) <= _MOST:
        raise ValueError(f"between 1 and {_MOST} answers")
    answers = [_answer(one) for one in given]
    if len({answer.picture for answer in answers}) < len(answers):
        raise ValueError("one picture was answered twice")
    return answers


def steps_from(sent: Any) -> int | None:
    """How many steps stood when one was to be taken back; None where that is not said. Raises ValueError."""
    steps = sent.get("steps") if isinstance(sent, dict) else None
    if steps is not None and not isinstance(steps, int):
        raise ValueError("not a number of steps")
    return steps


def _answer(one: Any) -> Answer:
    told = one if isinstance(one, dict) else {}
    picture, said, category = told.get("picture"), told.get("said"), told.get("category")
    if not isinstance(picture, str) or not _ID.fullmatch(picture) or not isinstance(said, str) or said not in _WORDS:
        raise ValueError("not an answer")
    if category is not None and not isinstance(category, str):
        raise ValueError("not a category")
    return Answer(picture=PictureId(picture), said=_WORDS[said], category=category)


def _place(after: str, parts: int) -> list[Key]:
    place = json.loads(after)
    if not isinstance(place, list) or len(place) != parts or not all(_is_key(part) for part in place):
        raise ValueError("not a place in the queue")
    return place


def _is_key(part: Any) -> bool:
    return isinstance(part, str) or (isinstance(part, float | int) and math.isfinite(part))
