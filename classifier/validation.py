"""What pydantic finds wrong with a value, as a message."""

from __future__ import annotations

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from classifier.errors import Message, message_of


def problem_with(first: ErrorDetails) -> Message:
    """What is wrong: the message of the ValueError that a validator of ours raised, else pydantic's words."""
    own = first.get("ctx", {}).get("error")
    words = " ".join(first["msg"].split())
    words = words[:1].lower() + words[1:]
    return message_of(own) if isinstance(own, ValueError) else Message(words)


def first_problem(error: ValidationError) -> Message:
    """The first field that is wrong, and what is wrong with it; names that are no ASCII are escaped."""
    first = error.errors(include_url=False)[0]
    why, name = problem_with(first), ".".join(ascii(part).strip("'") for part in first["loc"])
    return Message("{name}: {why}", name=name, why=why) if name else why
