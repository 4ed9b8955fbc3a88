"""The learner beside the page: its process, and the status that the page shows.

What runs in that process is passed in, so that the web server never loads torch.
"""

from __future__ import annotations

import atexit
import multiprocessing
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from classifier.errors import LibraryError
from classifier.inference.process import block_sigint
from classifier.web.i18n import both

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.context import SpawnProcess
    from pathlib import Path


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


_LATER_S: Final = 2.0
"""How long the page has the machine for itself when it is opened: loading what learns takes all of a core."""


class LearnerStatus:
    """The learning process of one page, from the page's start to its end, or none."""

    def __init__(self, library: Path, run: Run | None) -> None:
        self._library = library
        self._run = run
        self._teacher: LearnerProcess | None = None
        self._learned: Callable[[], object] = lambda: None
        self._lock = threading.Lock()
        self._has_ended = False
        self.state: dict[str, Any] = {"at": "none" if run is None else "starting"}
        """`at` is "none", "starting", "learning", "ready", "filing" (with how far), "cannot" or "trouble" (with `why`).

        `outcome` is what the last filing came to, with a `number` that tells it from the one before.
        """
        self._outcome: dict[str, Any] = {"number": 0}

    def begin(self, learned: Callable[[], object]) -> None:
        """Start it in a moment; `learned` is called, from another thread, whenever there is a new outlook."""
        self._learned = learned
        if self._run is not None:
            starting = threading.Timer(_LATER_S, self._start, [self._run])
            starting.daemon = True
            starting.start()

    def _start(self, run: Run) -> None:
        with self._lock:
            if not self._has_ended:
                self._teacher = LearnerProcess(run, self._library, self._heard)

    def tell(self, words: int) -> None:
        """So many more words were said or taken back."""
        if self._teacher is not None and words:
            self._teacher.tell({"said": words})

    def file(self) -> None:
        """Sort again with what was learned. Raises LibraryError when there is no one to do it."""
        if self._teacher is None or self.state["at"] not in {"ready", "learning", "trouble"}:
            raise LibraryError("there is nothing learned to file by yet")
        self.state = {"at": "filing", "stage": "model", "done": 0, "total": None, "outcome": self._outcome}
        self._teacher.tell({"file": True})

    def end(self) -> None:
        """End it with the page."""
        with self._lock:
            self._has_ended = True
        if self._teacher is not None:
            self._teacher.end()

    def _heard(self, told: dict[str, Any]) -> None:
        if "learned" in told:
            self._learned()
        if "notFiled" in told:
            told = both("notFiled", told["notFiled"])
        if "filed" in told or "notFiled" in told:
            self._outcome = told | {"number": self._outcome["number"] + 1}
        state = _state(told, self.state)
        self.state = state | {"outcome": self._outcome}


def _state(told: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """How things stand after what was told."""
    if "learning" in told or "learned" in told:
        return {"at": "learning" if "learning" in told else "ready"}
    if "filing" in told:
        return {"at": "filing", **told["filing"]}
    if "cannot" in told or "trouble" in told:
        ((at, why),) = told.items()
        return {"at": at, **both("why", why)}
    if "ended" in told and before["at"] != "cannot":
        return {"at": "cannot", **both("why", "the learning process has ended")}
    return before
