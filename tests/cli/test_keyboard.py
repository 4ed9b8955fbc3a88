"""One key at a time from a terminal, one line at a time from a pipe; the terminal is left as it was."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING

import pytest

from classifier.cli.keyboard import BACKSPACE, END, ENTER, key_reader, normalize

if TYPE_CHECKING:
    from collections.abc import Iterator

pty = pytest.importorskip("pty", reason="Windows has no pseudo-terminals")
termios = pytest.importorskip("termios", reason="Windows has no pseudo-terminals")


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Our end of a terminal that is stdin."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "r") as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield ours
    os.close(ours)


def test_piped_keys_are_read_one_by_one_and_an_empty_line_is_enter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n\nN n\n  u \n\x7f\nyn\x7fs"))
    with key_reader() as key:
        read = [key() for _ in range(12)]
        assert ["y", ENTER, "n", "n", "u", BACKSPACE, "y", "n", BACKSPACE, "s", END, END] == read


def test_a_terminal_gives_keys_without_enter(typed: int) -> None:
    with key_reader() as key:
        os.write(typed, b"yN1\n")
        assert ["y", "n", "1", ENTER] == [key() for _ in range(4)]


def test_backspace_is_one_key_whichever_code_a_terminal_sends(typed: int) -> None:
    with key_reader() as key:
        os.write(typed, b"\x7f\x08")
        assert [BACKSPACE, BACKSPACE] == [key() for _ in range(2)]


def test_an_arrow_key_is_one_key_that_means_nothing(typed: int) -> None:
    with key_reader() as key:
        os.write(typed, b"\x1b[A")
        assert "\x1b" == key()
        os.write(typed, b"y")
        assert "y" == key()


def test_a_letter_of_an_input_method_is_its_plain_letter(typed: int) -> None:
    with key_reader() as key:
        os.write(typed, "\uff59\uff2e对".encode())
        assert ["y", "n", "对"] == [key() for _ in range(3)]


def test_ctrl_d_ends_it_and_the_terminal_is_as_before(typed: int) -> None:
    before = termios.tcgetattr(sys.stdin.fileno())
    with key_reader() as key:
        os.write(typed, b"\x04")
        assert before != termios.tcgetattr(sys.stdin.fileno())
        assert END == key()

    assert before == termios.tcgetattr(sys.stdin.fileno())


@pytest.mark.parametrize(
    ("key", "same"), [("\r", ENTER), ("\n", ENTER), ("\x04", END), ("\uff31", "q"), ("\uff10", "0")]
)
def test_keys_are_compared_in_one_form(key: str, same: str) -> None:
    assert same == normalize(key)
