"""Waits while Windows refuses to change a file that another program has open: a scanner, an indexer or a viewer.

Every rename, replacement, link and removal of ours goes through `when_free`, or `if_free` where it can be left.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

_FOR_NOW: Final = frozenset({5, 32, 33})  # access denied, sharing violation, lock violation
_PATIENCE_S: Final = 5.0
_PAUSES_S: Final = (0.01, 0.5)  # the first, and the longest

_P = ParamSpec("_P")
_T = TypeVar("_T")


class _Patience:
    """How long the next refusal is waited for, in seconds."""

    seconds = _PATIENCE_S


def when_free(change: Callable[_P, _T], *arguments: _P.args, **options: _P.kwargs) -> _T:
    """What `change` returns, tried again for five seconds while Windows refuses it.

    Windows has one error for what is in use and what is never allowed. So that many files of the second kind do not
    take five seconds each, each wait in vain halves the next one, and one that helped makes it whole again. Elsewhere,
    and for any other error, `change` is tried once.
    """
    end, pause = time.monotonic() + _Patience.seconds, _PAUSES_S[0]
    has_waited = False
    while True:
        try:
            result = change(*arguments, **options)
        except OSError as error:
            if getattr(error, "winerror", None) not in _FOR_NOW:
                raise
            if time.monotonic() + pause > end:
                _Patience.seconds /= 2
                raise
        else:
            _Patience.seconds = _PATIENCE_S if has_waited else _Patience.seconds
            return result
        has_waited = True
        time.sleep(pause)
        pause = min(2 * pause, _PAUSES_S[1])


def if_free(change: Callable[_P, _T], *arguments: _P.args, **options: _P.kwargs) -> _T:
    """What `change` returns, tried once: for what is likely in use, and is tried again another time."""
    return change(*arguments, **options)
