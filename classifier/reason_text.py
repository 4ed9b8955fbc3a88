"""Why an image was decided as it was, or cannot be read: the only place where a code becomes a message."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any, Final

from classifier.errors import Message, SystemMessage
from classifier.progress import percent_up
from classifier.reasons import ReasonCode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from classifier.reasons import Reason

_BECAUSE: Final[Mapping[ReasonCode, Message]] = {
    ReasonCode.ABOVE_THRESHOLD: Message("at least {threshold:g}"),
    ReasonCode.BELOW_THRESHOLD: Message("below {threshold:g}"),
    ReasonCode.ABOVE_GUARANTEE: Message("at least {threshold:g} for {first}"),
    ReasonCode.BELOW_GUARANTEE: Message("below {threshold:g} for {first}"),
    ReasonCode.NO_GUARANTEE: Message("no error rate can be promised for {first}"),
    ReasonCode.SURE_OF_PARENT: Message(
        "{share:g} for {parent}, at least {threshold:g}, but no category in it is sure enough"
    ),
    ReasonCode.BELOW_AUDITED: Message("below {threshold:.4f} ({source})"),
    ReasonCode.TRUNCATED: Message("the file ends early, so only a part of the picture was seen"),
    ReasonCode.OOD: Message("unlike every labeled picture (distance {distance:.3f}, yours are below {limit:.3f})"),
    ReasonCode.NEAR_OOD: Message(
        "hardly like any labeled picture (distance {distance:.3f}, most of yours are below {limit:.3f})"
    ),
    ReasonCode.ANNOTATED: Message("a person said it is {category} ({source})"),
    ReasonCode.ANNOTATED_WRONG: Message("a person said it is not {category} ({source})"),
    ReasonCode.ANNOTATED_NONE: Message("a person said it is none of the categories ({source})"),
    ReasonCode.RETRACTED: Message("a person took back what was said of it"),
    ReasonCode.RULED_OUT: Message("a person ruled out every category"),
    ReasonCode.MOVED_BY_PERSON: Message("a person moved it there"),
    ReasonCode.LEFT_BY_UNDO: Message("an undo left it there"),
    ReasonCode.NOT_MOVED: Message("it could not be moved where it belongs"),
    ReasonCode.DRAWN: Message("drawn from the crawl to be labeled: nothing is known of it yet"),
    ReasonCode.COPY_OF: Message("a copy of {name}"),
    ReasonCode.EMPTY_FILE: Message("the file is empty"),
    ReasonCode.NO_KNOWN_FORMAT: Message("it does not begin like any picture format that is known"),
    ReasonCode.FORMAT_NOT_READ: Message("{format} pictures are not read"),
    ReasonCode.FORMAT_NOT_INSTALLED: Message("{format} pictures are read once you have run: {command}"),
    ReasonCode.SIZE_LIMIT: Message("{width} x {height} is {megapixels:.4g} megapixels; the limit is {limit:g}"),
    ReasonCode.LENGTH_LIMIT: Message("the file has {size_bytes:,} bytes, more than {limit:g} megapixels can take"),
    ReasonCode.BROKEN_OFF: Message("{format}: the file does not go on as it begins"),
    ReasonCode.DECODER: Message("{source}: {words}"),
    ReasonCode.OUT_OF_MEMORY: Message("there was not enough memory to decode it"),
    ReasonCode.DEADLINE: Message("reading it takes more than {seconds:g} seconds"),
    ReasonCode.DECODER_DIED: Message("the decoder died (exit code {exit_code}) while reading it"),
    ReasonCode.NO_MEMORY_TO_READ: Message("there was not enough memory to read the file"),
    ReasonCode.VANISHED: Message("it was there when the crawl was scanned"),
    ReasonCode.GONE: Message("it is no longer there"),
    ReasonCode.CHANGED: Message("it has changed since it was listed"),
    ReasonCode.NOT_KEPT: Message("what the network sees in it is not kept, and another head needs that"),
}
_WITH: Final[Mapping[tuple[ReasonCode, str], Message]] = {
    (ReasonCode.BELOW_AUDITED, "max_error"): Message(
        "below {threshold:.4f}, the least for at most {most} wrong ({source})"
    ),
    (ReasonCode.FORMAT_NOT_READ, "readable"): Message("{format} pictures are not read; {names} are"),
    (ReasonCode.OUT_OF_MEMORY, "format"): Message("there was not enough memory to decode this {format} picture"),
    (ReasonCode.DECODER_DIED, "signal"): Message("the decoder died (signal {signal}) while reading it"),
}
"""Instead, where the reason has the parameter."""
_SOURCES: Final = {
    "audit": Message("audit of {date}"),
    "review": Message("review of {date}"),
    "labels": Message("labels of {date}"),
    "file manager": Message("file manager, noticed {date}"),
}


def reason_message(reason: Reason) -> Message:
    """The most likely categories with their probabilities, and why; the code alone where parameters are damaged."""
    params = reason.params
    try:
        message = _because(reason.code, params)
        if guesses := _guesses(params):
            message = Message("{guesses}: {reason}", guesses=guesses, reason=message)
    except (LookupError, TypeError, ValueError):
        return Message(reason.code.value)
    return message


def _because(code: ReasonCode, params: Mapping[str, Any]) -> Message:
    if code is ReasonCode.TEXT:
        return Message(str(params["text"]))
    if code is ReasonCode.SYSTEM:
        return SystemMessage(str(params["words"]), str(params["errno"]))
    values = dict(params)
    if values.get("top"):
        values["first"] = values["top"][0][0]
    if "date" in values:
        values["source"] = Message(_SOURCES[values.get("origin", "audit")].template, date=values["date"])
    if "max_error" in values:
        values["most"] = percent_up(values["max_error"])
    if "readable" in values:
        values["names"] = ", ".join(values["readable"])
    template = next((_WITH[code, name] for name in params if (code, name) in _WITH), _BECAUSE[code]).template
    template.format(**values)  # raises where one is missing
    return Message(template, **values)


def _guesses(params: Mapping[str, Any]) -> Message | str:
    digits = params.get("digits", 2)
    if digits not in range(10):  # in a damaged row: so many would take all memory
        raise ValueError(digits)
    guesses: list[Message | str] = [f"{chance:.{digits}f} {category}" for category, chance in params.get("top", ())]
    return reduce(lambda first, then: Message("{first}, {then}", first=first, then=then), guesses) if guesses else ""
