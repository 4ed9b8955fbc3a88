"""Kills at each change of the disk in turn: the n-th call that would change a file below a folder never happens."""

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
    """Nothing in the program may catch it."""


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
    """Let so many changes happen and none after; what is raised then is swallowed here. Yields what was done."""
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
