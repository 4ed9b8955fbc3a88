"""Reads single keys, without Enter where stdin is a terminal."""

from __future__ import annotations

import sys
import unicodedata
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

END = ""
"""Returned at the end of input."""
ENTER = "\n"
BACKSPACE = "\x7f"
_END_OF_TEXT = "\x04"
_INTERRUPT = "\x03"
_ESCAPE = "\x1b"


@contextmanager
def key_reader() -> Iterator[Callable[[], str]]:
    """Yields a function that waits for one key: a lowercase letter, a digit, ENTER, BACKSPACE or END.

    Where stdin is piped, each letter of a line is a key, and an empty line is ENTER. Ctrl-C raises KeyboardInterrupt.
    The terminal's settings are restored on leaving.
    """
    if not sys.stdin.isatty():
        piped = _from_lines()
        yield lambda: next(piped, END)
    elif sys.platform == "win32":  # pragma: no cover - Windows
        yield _from_console
    else:
        with _unbuffered():
            yield _from_terminal


def normalize(key: str) -> str:
    """The key in lower case and half width: an input method may send full-width letters."""
    if key in {"\r", "\n"}:
        return ENTER
    if key in {"\b", BACKSPACE}:  # some terminals send the one, some the other
        return BACKSPACE
    return END if key == _END_OF_TEXT else unicodedata.normalize("NFKC", key).lower()


def _from_lines() -> Iterator[str]:
    for line in sys.stdin:
        yield from map(normalize, "".join(line.split()) or ENTER)


if sys.platform == "win32":  # pragma: no cover - Windows
    import msvcrt

    def _from_console() -> str:
        key = msvcrt.getwch()
        if key in {"\0", "\xe0"}:  # an arrow or function key, in two parts
            msvcrt.getwch()
            return _ESCAPE
        if key == _INTERRUPT:
            raise KeyboardInterrupt
        return normalize(key)

else:
    import os
    import select
    import termios
    import tty

    _LONGEST = 4  # bytes of a letter in UTF-8

    @contextmanager
    def _unbuffered() -> Iterator[None]:
        descriptor = sys.stdin.fileno()
        before = termios.tcgetattr(descriptor)
        try:
            tty.setcbreak(descriptor)
            yield
        finally:
            termios.tcsetattr(descriptor, termios.TCSADRAIN, before)

    def _from_terminal() -> str:
        """One letter of one to four bytes; the rest of what an arrow or function key sends is dropped."""
        descriptor = sys.stdin.fileno()
        read = os.read(descriptor, 1)
        if not read:
            return END
        if read == _ESCAPE.encode():
            while select.select([descriptor], [], [], 0.02)[0] and os.read(descriptor, 1):
                pass
            return _ESCAPE
        while len(read) < _LONGEST and not _is_whole(read):
            read += os.read(descriptor, 1)
        return normalize(read.decode(errors="replace"))

    def _is_whole(read: bytes) -> bool:
        try:
            read.decode()
        except UnicodeDecodeError:
            return False
        return True
