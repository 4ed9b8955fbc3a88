"""Starts processes that do not hear Ctrl-C, so that only the one process that can end the work in order does.

Must not know what the processes do.
"""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def block_sigint() -> Iterator[None]:
    """Processes started in here are deaf from their first moment, also while they still import.

    A Ctrl-C pressed meanwhile is heard here afterwards. Windows has no such mask; there, a process becomes deaf once it
    runs our code.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
