"""Ctrl-C: the first press stops the command, the second prints that it is stopping, the third ends it at once.

What is done is recorded at every moment, so ending at once loses nothing. The module imports little, so that Ctrl-C is
handled from the start of the program.
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

from classifier.errors import Message
from classifier.i18n import _

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

STOPPED = 130
"""The exit code, as shells give it to what Ctrl-C ended."""
_RECORDED = Message("what is done is recorded, and the same command goes on where it was")
_AT_ONCE = 3


@dataclass
class _State:
    presses: int = 0
    held: int = 0
    is_ending: bool = False
    is_kept: Callable[[], bool] = bool
    kept: Message = _RECORDED


_state = _State()


@contextmanager
def handle_sigint() -> Iterator[None]:
    """Handle Ctrl-C from here to the end of the process; a command that it stops ends in one line and with STOPPED.

    Whatever goes wrong after a press is its consequence: an import cut in half, a bar without its parts.
    """
    atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)  # runs last; after it nothing is left to stop
    signal.signal(signal.SIGINT, _on_press)
    sys.unraisablehook = _unless_pressed(sys.__unraisablehook__)
    threading.excepthook = _unless_pressed(threading.__excepthook__)
    try:
        yield
    except BaseException as error:
        _state.is_ending = True
        if isinstance(error, SystemExit) or not (_state.presses or isinstance(error, KeyboardInterrupt)):
            raise
        _write(_stopped_line())
        sys.exit(STOPPED)
    finally:
        _state.is_ending = True


def resumable_if(is_kept: Callable[[], bool], *, kept: Message = _RECORDED) -> None:
    """From here on, the line that a stopped command prints ends with `kept` if `is_kept()`."""
    _state.is_kept, _state.kept = is_kept, kept


def resumable_in(library: Path | None) -> None:
    """As `resumable_if`, once `library` exists and holds a record."""

    def is_there() -> bool:
        from classifier.catalog.connection import is_library

        return library is not None and is_library(library)

    resumable_if(is_there)


def stop_at_sigterm() -> None:
    """From here on SIGTERM counts as a press: schedulers send it to what they take back, and temporary files go then.

    Not for what may be in the middle of a call that another process ends, such as a step of a shared training.
    """
    signal.signal(signal.SIGTERM, _on_press)


def is_pressed() -> bool:
    """Whether Ctrl-C was pressed since the last reset."""
    return _state.presses > 0


def reset() -> None:
    """Count presses from 0 again: Ctrl-C has ended one part of the command, as it should."""
    _state.presses = 0


@contextmanager
def deferred() -> Iterator[None]:
    """Defer KeyboardInterrupt to the end of the block, which must not be cut in half, such as drawing a bar."""
    if threading.current_thread() is not threading.main_thread():  # presses are heard in the main thread alone
        yield
        return
    _state.held += 1
    try:
        yield
    finally:
        _state.held -= 1
    check()


def check() -> None:
    """Raise KeyboardInterrupt if Ctrl-C was pressed and something, such as a destructor, swallowed the exception."""
    in_command = not (_state.held or _state.is_ending)
    if _state.presses and in_command and threading.current_thread() is threading.main_thread():
        raise KeyboardInterrupt


def _on_press(_signal: int, _frame: object) -> None:
    _state.presses += 1
    if _state.presses >= _AT_ONCE:
        _write(_stopped_line())
        os._exit(STOPPED)
    if _state.presses > 1:
        _write(_("illsort: stopping; press Ctrl-C once more to end at once"))
    else:
        check()


def _unless_pressed(hook: Any) -> Any:
    def unless_pressed(event: Any) -> None:
        if not _state.presses:
            hook(event)

    return unless_pressed


def _stopped_line() -> str:
    with suppress(Exception):
        if _state.is_kept():
            return _("illsort: stopped; {kept}", kept=_state.kept)
    return _("illsort: stopped")


def _write(line: str) -> None:
    """Write to file descriptor 2: a press may come while a stream is being written."""
    with suppress(OSError):
        os.write(2, f"\n{line}\n".encode())
