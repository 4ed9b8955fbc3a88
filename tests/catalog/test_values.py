"""Messages in the catalog are read back whole, and can still be put into another language."""

from __future__ import annotations

import errno
import json
import os
from typing import Any

import pytest

from classifier.catalog.values import to_message, to_note
from classifier.errors import Message, SystemMessage, message_of
from classifier.i18n import Language, translate


@pytest.mark.parametrize(
    ("message", "note"),
    [
        (Message("it is no longer there"), "it is no longer there"),
        ("a sentence of an earlier version", "a sentence of an earlier version"),
        ("", ""),
        ("red\x1b", r"red\x1b"),
        (
            Message("{path} is not a folder", path="/\udce4/é"),
            r'{"template": "{path} is not a folder", "params": {"path": "/\\xe4/\u00e9"}}',
        ),
    ],
)
def test_only_a_message_with_parts_is_kept_in_parts(message: str, note: str) -> None:
    assert note == to_note(message)
    assert note == to_note(note)


def test_a_message_is_read_back_with_its_translation() -> None:
    refused = message_of(PermissionError(errno.EACCES, os.strerror(errno.EACCES)))
    message = Message("copied, but the original stays: {why}", why=refused)
    read = to_message(to_note(message))

    assert isinstance(refused, SystemMessage)
    assert str(message) == read
    assert translate(message, Language.CHINESE) == translate(read, Language.CHINESE) != read
    assert translate(refused, Language.CHINESE) == translate(to_message(to_note(refused)), Language.CHINESE)


def nested(depth: int) -> dict[str, Any]:
    """A message in a message, each a hundred times: a hundred to the power of `depth` characters."""
    inner: Any = nested(depth - 1) if depth > 1 else "x"
    return {"template": "{a}" * 100, "params": {"a": inner}}


@pytest.mark.parametrize(
    "note",
    [
        "",
        "it is no longer there",
        '{"template": ',
        '{"template": "{a}", "params": {"b": 1}}',
        '{"template": "{a.x}", "params": {"a": 1}}',
        '{"template": "x", "params": []}',
        '{"template": "{a:>2000000000}", "params": {"a": "x"}}',
        '{"template": "{a:.900000000f}", "params": {"a": 0.5}}',
        '{"template": "{a.__reduce__.__globals__}", "params": {"a": {"template": "t", "params": {}}}}',
        json.dumps(nested(5)),
    ],
)
def test_a_note_that_is_no_message_is_text(note: str) -> None:
    assert note == to_message(note)


def test_what_json_cannot_hold_is_kept_as_it_is_read() -> None:
    assert "{1} is odd" == to_note(Message("{x} is odd", x={1}))
