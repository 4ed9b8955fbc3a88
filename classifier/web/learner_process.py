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

from classifier.errors import LibraryError, Message
from classifier.inference.process import block_sigint
from classifier.web.responses import in_both_languages

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.context import SpawnProcess
    from pathlib import Path


LearnerTarget = Callable[[Connection, Path], None]
"""Learns for a library until the pipe ends; importable by name, for it runs in another process."""


class LearnerProcess:
    """One learner process; `heard` is called with each of its messages, in a thread of its own."""

    def __init__(self, run: LearnerTarget, library: Path, heard: Callable[[dict[str, Any]], None]) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        # No daemon, which could not start the workers of a sort. It ends when its pipe closes, before it is joined.
        self._process: SpawnProcess = context.Process(target=run, args=(theirs, library), name="illsort learner")
        atexit.register(self._pipe.close)
        with block_sigint(context.get_start_method()):
            self._process.start()
        theirs.close()
        self._reader = threading.Thread(target=self._listen, args=(heard,), name="learner messages", daemon=True)
        self._reader.start()

    def send(self, message: dict[str, Any]) -> None:
        """Send a message, if the process still runs."""
        try:
            self._pipe.send(message)
        except OSError:
            return

    def end(self) -> None:
        """Terminate the process."""
        self._process.terminate()
        self._process.join()
        self._reader.join()
        self._pipe.close()
        atexit.unregister(self._pipe.close)

    def _listen(self, heard: Callable[[dict[str, Any]], None]) -> None:
        try:
            while True:
                heard(self._pipe.recv())
        except (EOFError, OSError):
            heard({"ended": True})


_LATER_S: Final = 2.0
"""Delay before the learner starts, so that the page opens first: loading torch takes a whole core."""


class LearnerStatus:
    """The learner of one page and its status, from start to end, or none."""

    def __init__(self, library: Path, run: LearnerTarget | None) -> None:
        self._library = library
        self._run = run
        self._process: LearnerProcess | None = None
        self._learned: Callable[[], object] = lambda: None
        self._lock = threading.Lock()
        self._has_ended = False
        self.state: dict[str, Any] = {"at": "none" if run is None else "starting"}
        """`at` is "none", "starting", "learning", "ready", "filing" (with how far), "cannot" or "trouble" (with `why`).

        `outcome` is the result of the last filing, with a `number` that differs from the previous one's.
        """
        self._outcome: dict[str, Any] = {"number": 0}

    def begin(self, learned: Callable[[], object]) -> None:
        """Start it in a moment; `learned` is called, from another thread, for each new ranking."""
        self._learned = learned
        if self._run is not None:
            starting = threading.Timer(_LATER_S, self._start, [self._run])
            starting.daemon = True
            starting.start()

    def _start(self, run: LearnerTarget) -> None:
        with self._lock:
            if not self._has_ended:
                self._process = LearnerProcess(run, self._library, self._heard)

    def add_answers(self, count: int) -> None:
        """Report that many new or undone annotations to the learner."""
        if self._process is not None and count:
            self._process.send({"annotations": count})

    def file(self) -> None:
        """Sort again with the refitted model. Raises LibraryError without a ready learner."""
        if self._process is None or self.state["at"] not in {"ready", "learning", "trouble"}:
            raise LibraryError("there is nothing learned to file by yet")
        self.state = {"at": "filing", "stage": "model", "done": 0, "total": None, "outcome": self._outcome}
        self._process.send({"file": True})

    def end(self) -> None:
        """End it with the page."""
        with self._lock:
            self._has_ended = True
        if self._process is not None:
            self._process.end()

    def _heard(self, message: dict[str, Any]) -> None:
        if "learned" in message:
            self._learned()
        if "notFiled" in message:
            message = in_both_languages("notFiled", message["notFiled"])
        if "filed" in message or "notFiled" in message:
            self._outcome = message | {"number": self._outcome["number"] + 1}
        state = _state(message, self.state)
        self.state = state | {"outcome": self._outcome}


def _state(message: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """The status after a message."""
    if "learning" in message or "learned" in message:
        return {"at": "learning" if "learning" in message else "ready"}
    if "filing" in message:
        return {"at": "filing", **message["filing"]}
    if "cannot" in message or "trouble" in message:
        ((at, why),) = message.items()
        return {"at": at, **in_both_languages("why", why)}
    if "ended" in message and before["at"] != "cannot":
        return {"at": "cannot", **in_both_languages("why", Message("the learning process has ended"))}
    return before
