"""Stops a function at its n-th change of a file, by an audit hook in the same process."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

_CHANGING = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod"}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


class Killed(BaseException):
    """Ends the function; a BaseException, so that the program does not catch it."""


@dataclass
class _State:
    left: int | None = None
    done: int = 0


_state = _State()
_is_hooked: list[bool] = []


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _state.left is None or not (event in _CHANGING or (event == "open" and _writes(arguments))):
        return
    if _state.left == 0:
        raise Killed
    _state.left -= 1
    _state.done += 1


def _writes(arguments: tuple[Any, ...]) -> bool:
    return isinstance(arguments[2], int) and bool(arguments[2] & _WRITING)


@contextmanager
def killed_after(changes: int) -> Iterator[_State]:
    """Let so many changes happen, then raise Killed, which is caught here. Yields the count of changes."""
    if not _is_hooked:
        sys.addaudithook(_hook)
        _is_hooked.append(True)
    _state.left, _state.done = changes, 0
    try:
        yield _state
    except Killed:
        pass
    finally:
        _state.left = None
