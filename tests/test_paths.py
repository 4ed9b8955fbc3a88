"""Names as text: what is written is read back, and what is shown does nothing to the terminal."""

from __future__ import annotations

import json
import os
import sys
import unicodedata
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from classifier.paths import displayable, from_text, to_json, to_text

ANY_TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=()), min_size=1)


@given(st.lists(st.binary(min_size=1), min_size=1))
@example([b"\x83A\x83j"])
@example([rb"\x83", b"\\\x83", rb"\x5c", rb"\\x5cx83", rb"\x41", rb"\udc83"])
@pytest.mark.skipif(sys.platform == "win32", reason="names on Windows are no bytes")
def test_a_name_of_any_bytes_is_written_and_read_back(parts: list[bytes]) -> None:
    path = Path(os.fsdecode(b"/".join(part.replace(b"\0", b"") for part in parts)))

    text = to_text(path)

    assert from_text(json.loads(json.dumps(text, ensure_ascii=False).encode())) == path


@given(ANY_TEXT)
@example("\ud800\udfff\udc83")
def test_a_name_with_any_surrogates_is_written_and_read_back(name: str) -> None:
    text = to_text(name)

    assert text.encode().decode() == text
    assert from_text(text) == Path(name)


@pytest.mark.parametrize("name", ["a/b c.jpg", "漫画/%83.png", "a\\b\\x", "\\x41", "\\x7f", "é\u0301\n\t\u202e"])
def test_a_name_that_is_utf_8_is_written_as_it_is(name: str) -> None:
    assert to_text(PurePosixPath(name).as_posix()) == name


@pytest.mark.skipif(sys.platform == "win32", reason="names on Windows are no bytes")
def test_each_byte_that_is_not_utf_8_is_written_as_two_hex_digits() -> None:
    assert to_text(Path(os.fsdecode(b"\x83A/\xe6\xbc\xab\xff"))) == "\\x83A/漫\\xff"


@given(ANY_TEXT)
def test_what_is_shown_holds_nothing_that_acts_or_hides(name: str) -> None:
    shown = displayable(name)

    assert not {unicodedata.category(one) for one in shown if one not in "\u200c\u200d"} & {
        "Cc",
        "Cf",
        "Cs",
        "Zl",
        "Zp",
    }


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("x\x1b[31mred\x07.jpg", "x\\x1b[31mred\\x07.jpg"),
        ("a\nb\r\tc\x7f\x9b", "a\\x0ab\\x0d\\x09c\\x7f\\x9b"),
        ("cod\u202egpj.exe", "cod\\u202egpj.exe"),
        ("\u2028\u2066\ufeff", "\\u2028\\u2066\\ufeff"),
        ("\udc83A\ud800", "\\x83A\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("漫画 é 👩\u200d🎨 क्\u200dष.jpg", "漫画 é 👩\u200d🎨 क्\u200dष.jpg"),
    ],
)
def test_what_would_act_or_hide_is_shown_as_an_escape(name: str, shown: str) -> None:
    assert displayable(name) == shown
    assert displayable(displayable(name)) == shown


def test_a_message_keeps_its_own_lines() -> None:
    assert displayable("one\x1b\ntwo", keep="\n") == "one\\x1b\ntwo"


@pytest.mark.parametrize("ascii_only", [False, True])
@given(value=st.recursive(ANY_TEXT, lambda inner: st.lists(inner) | st.dictionaries(ANY_TEXT, inner), max_leaves=5))
def test_json_of_any_text_is_valid_unicode(value: object, *, ascii_only: bool) -> None:
    text = to_json(value, ascii_only=ascii_only)

    read = json.loads(text.encode("ascii" if ascii_only else "utf-8"))
    json.dumps(read, ensure_ascii=False).encode()
    assert type(read) is type(value)


@pytest.mark.parametrize("ascii_only", [False, True])
def test_json_keeps_valid_text_and_escapes_the_rest(*, ascii_only: bool) -> None:
    values = {"漫画 🎨": ['\n\x1b"\\', "\udc83", Path("a/\udcff")], "n": [1, 0.5, None, True]}
    read = json.loads(to_json(values, ascii_only=ascii_only))

    assert read == {"漫画 🎨": ['\n\x1b"\\', "\\x83", "a/\\xff"], "n": [1, 0.5, None, True]}
