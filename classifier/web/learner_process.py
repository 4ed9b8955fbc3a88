"""The page's end of the process that learns: starts it, tells it of words, and hears what it made of them.

Must not know how it learns: what is run there is handed in, so that this process never loads torch.
"""

from __future__ import annotations

import atexit
import multiprocessing
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifier.inference.signals import block_sigint

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

Run = Callable[[Connection, Path], None]
"""Learns for a library until the pipe ends; importable by name, for it runs in another process."""


class LearnerProcess:
    """One learning process; `heard` is called with all that it tells, in a thread of its own."""

    def __init__(self, run: Run, library: Path, heard: Callable[[dict[str, Any]], None]) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        # No daemon: those may have no workers, which a sort needs. It ends with its pipe, before anyone waits for it.
        self._process: SpawnProcess = context.Process(target=run, args=(theirs, library), name="illsort learner")
        atexit.register(self._pipe.close)
        with block_sigint():
            self._process.start()
        theirs.close()
        self._ear = threading.Thread(target=self._listen, args=(heard,), name="ear", daemon=True)
        self._ear.start()

    def tell(self, told: dict[str, Any]) -> None:
        """Say something, if it is still there."""
        try:
            self._pipe.send(told)
        except OSError:
            return

    def end(self) -> None:
        """End it, whatever it is at."""
        self._process.terminate()
        self._process.join()
        self._ear.join()
        self._pipe.close()
        atexit.unregister(self._pipe.close)

    def _listen(self, heard: Callable[[dict[str, Any]], None]) -> None:
        try:
            while True:
                heard(self._pipe.recv())
        except (EOFError, OSError):
            heard({"ended": True})
