"""What pydantic finds wrong with a value, as a message."""

from __future__ import annotations

from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from classifier.errors import Message, message_of

_GIVE: Final = {
    "missing": Message("it is missing"),
    "extra_forbidden": Message("there is no such setting"),
    "greater_than": Message("give more than {gt}"),
    "greater_than_equal": Message("give {ge} or more"),
    "less_than": Message("give less than {lt}"),
    "less_than_equal": Message("give {le} or less"),
    "int": Message("give a whole number"),
    "float": Message("give a number"),
    "finite_number": Message("give a number that is finite"),
    "bool": Message("give true or false"),
    "string": Message("give a text"),
    "string_too_short": Message("it is too short; the least length is {min_length}"),
    "string_too_long": Message("it is too long; the greatest length is {max_length}"),
    "too_short": Message("it is too short; the least length is {min_length}"),
    "too_long": Message("it is too long; the greatest length is {max_length}"),
    "string_pattern_mismatch": Message("it has the wrong form"),
    "path": Message("give a path"),
    "enum": Message("give one of {expected}"),
    "literal_error": Message("give one of {expected}"),
    "list": Message("give a list"),
    "tuple": Message("give a list"),
    "dict": Message("give names with values"),
    "model": Message("give names with values"),
    "json": Message("it is no JSON"),
}
"""What to do about an error of pydantic, by its type or the first word of that; `float_parsing` is about a float."""


def problem_with(first: ErrorDetails) -> Message:
    """What is wrong: the message of the ValueError that a validator of ours raised, else what to give instead.

    An error of a type that we have no sentence for keeps pydantic's words.
    """
    kind, context = first["type"], dict(first.get("ctx", {}))
    if isinstance(own := context.get("error"), ValueError):
        return message_of(own)
    found = _GIVE.get(kind) or _GIVE.get(kind.partition("_")[0])
    if found is None:
        words = " ".join(first["msg"].split())
        words = words[:1].lower() + words[1:]
        return Message(words)
    if "expected" in context:
        context["expected"] = str(context["expected"]).replace(" or ", ", ")
    return Message(found.template, **context)


def first_problem(error: ValidationError) -> Message:
    """The first field that is wrong, and what is wrong with it; names that are no ASCII are escaped."""
    first = error.errors(include_url=False)[0]
    why, name = problem_with(first), ".".join(ascii(part).strip("'") for part in first["loc"])
    return Message("{name}: {why}", name=name, why=why) if name else why
