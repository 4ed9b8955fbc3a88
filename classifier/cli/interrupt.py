"""Ctrl-C: the first press asks the command to stop, the second is told to wait, the third ends it at once.

What is done is recorded at every instant, so ending at once loses nothing either; where anything is, that is said.
Imports next to nothing, so that a press is heard from the program's first moment.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

STOPPED = 130
"""The exit code, as shells give it to what Ctrl-C ended."""
STOPPED_LINE = "illsort: stopped"
_KEPT = "what is done is recorded, and the same command goes on where it was"
_WAIT_LINE = "illsort: stopping; press Ctrl-C once more to end at once"
_AT_ONCE = 3


@dataclass
class _Asked:
    presses: int = 0
    held: int = 0
    is_ending: bool = False
    is_kept: Callable[[], bool] = bool
    kept: str = _KEPT


_asked = _Asked()


@contextmanager
def heard() -> Iterator[None]:
    """Hear Ctrl-C from here to the end of the process; a command that it stopped ends in one line and STOPPED.

    Whatever goes wrong after a press is its consequence: an import cut in half, a bar without its parts.
    """
    atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)  # runs last; after it nothing is left to stop
    signal.signal(signal.SIGINT, _on_press)
    sys.unraisablehook = _unless_asked(sys.__unraisablehook__)
    threading.excepthook = _unless_asked(threading.__excepthook__)
    try:
        yield
    except BaseException as error:
        _asked.is_ending = True
        if isinstance(error, SystemExit) or not (_asked.presses or isinstance(error, KeyboardInterrupt)):
            raise
        _write(_stopped_line())
        sys.exit(STOPPED)
    finally:
        _asked.is_ending = True


def goes_on_if(is_kept: Callable[[], bool], *, kept: str = _KEPT) -> None:
    """From here on the line of a command that is stopped says what is `kept`, where anything of it `is_kept`."""
    _asked.is_kept, _asked.kept = is_kept, kept


def goes_on_in(library: Path | None) -> None:
    """The same for what is recorded in a library, once that is there."""

    def is_there() -> bool:
        from classifier.catalog.connection import is_library

        return library is not None and is_library(library)

    goes_on_if(is_there)


def is_asked() -> bool:
    """Whether Ctrl-C was pressed."""
    return _asked.presses > 0


def forget() -> None:
    """Ctrl-C ended one part of the command, as it was meant to; the next press asks anew."""
    _asked.presses = 0


@contextmanager
def held() -> Iterator[None]:
    """A press is heard at the end of this: what must not be cut in half, such as a bar being drawn."""
    if threading.current_thread() is not threading.main_thread():  # presses are heard in the main thread alone
        yield
        return
    _asked.held += 1
    try:
        yield
    finally:
        _asked.held -= 1
    check()


def check() -> None:
    """Stop here if Ctrl-C was pressed and something on the way, such as a destructor, has swallowed it."""
    in_command = not (_asked.held or _asked.is_ending)
    if _asked.presses and in_command and threading.current_thread() is threading.main_thread():
        raise KeyboardInterrupt


def _on_press(_signal: int, _frame: object) -> None:
    _asked.presses += 1
    if _asked.presses >= _AT_ONCE:
        _write(_stopped_line())
        os._exit(STOPPED)
    if _asked.presses > 1:
        _write(_WAIT_LINE)
    else:
        check()


def _unless_asked(hook: Any) -> Any:
    def unless_asked(told: Any) -> None:
        if not _asked.presses:
            hook(told)

    return unless_asked


def _stopped_line() -> str:
    with suppress(Exception):
        return f"{STOPPED_LINE}; {_asked.kept}" if _asked.is_kept() else STOPPED_LINE
    return STOPPED_LINE


def _write(line: str) -> None:
    """Straight to the terminal, for a press may come while a stream is being written to."""
    with suppress(OSError):
        os.write(2, f"\n{line}\n".encode())
