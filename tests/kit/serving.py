"""The review page as a person starts it: a process of its own, which can be killed."""

from __future__ import annotations

import signal
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from kit.browser import Served, serving
from kit.reviewing import TOKEN

if TYPE_CHECKING:
    from pathlib import Path


def server(
    library: Path, *, port: int = 0, stop: signal.Signals = signal.SIGINT, learning: bool = False
) -> AbstractContextManager[Served]:
    """`illsort review` at a port and with a token that are known."""
    words = ["review", str(library), "--port", str(port), "--token", TOKEN]
    return serving(*words, *([] if learning else ["--no-learning"]), stop=stop)
