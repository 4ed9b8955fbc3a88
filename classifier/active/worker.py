"""The learner process beside the page: waits for annotations, learns, and ends when its pipe closes.

It receives {"said": n}, n more annotations, and {"file": true}. It sends one dictionary an event. It ends with the
page, also when the page is killed; a ranking that was half written is then ignored.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final, Protocol

from classifier.active.apply import file_learned
from classifier.active.learner import Learner
from classifier.errors import IllsortError, located_message

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection
    from pathlib import Path

BATCH_SIZE: Final = 25
"""Words after which it learns at once."""
_PAUSE_S: Final = 15.0
"""How long nobody says a word before it learns from fewer."""
_LEAST_PRIORITY: Final = 19


class LearnerWorker(Protocol):
    """Learns in one library."""

    def learn(self) -> int:
        """Run one round. Returns the number of the new ranking, 0 for none."""


def run_learner(pipe: Connection, library: Path, *, begin: Callable[[Path], LearnerWorker] = Learner) -> None:
    """Learn with what `begin` makes until the page ends. Errors are sent as messages and do not end it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the page, whose end ends this
    if hasattr(os, "nice"):
        os.nice(_LEAST_PRIORITY)
    inbox: SimpleQueue[dict[str, Any]] = SimpleQueue()
    threading.Thread(target=_listen, args=(pipe, inbox), daemon=True).start()
    learner = _begin(pipe, library, begin)
    pending = 0
    while learner is not None:
        message = _next(inbox)
        pending += message.get("said", 0)
        if message.get("file") and isinstance(learner, Learner):  # what labels from nothing has no model to file by
            _file(pipe, library, learner)
            learner, pending = _begin(pipe, library, begin), 0
        elif pending >= BATCH_SIZE or (pending and not message):
            _learn(pipe, learner)
            pending = 0


def _next(inbox: SimpleQueue[dict[str, Any]]) -> dict[str, Any]:
    """The next message of the page; empty after a pause without one."""
    try:
        return inbox.get(timeout=_PAUSE_S)
    except Empty:
        return {}


def _begin(pipe: Connection, library: Path, begin: Callable[[Path], LearnerWorker]) -> LearnerWorker | None:
    """A learner after its first round; None, which is sent, when there is nothing to learn with."""
    try:
        learner = begin(library)
    except IllsortError as error:
        pipe.send({"cannot": error.message})
        return None
    _learn(pipe, learner)
    return learner


def _file(pipe: Connection, library: Path, learner: Learner) -> None:
    try:
        pipe.send({"filed": file_learned(library, learner, send=pipe.send)})
    except (IllsortError, OSError, sqlite3.Error) as error:
        pipe.send({"notFiled": located_message(error)})


def _listen(pipe: Connection, inbox: SimpleQueue[dict[str, Any]]) -> None:
    """Queue the messages of the page, and end the process with it: every write survives a kill."""
    with suppress(EOFError, OSError):
        while True:
            inbox.put(pipe.recv())
    os._exit(0)


def _learn(pipe: Connection, learner: LearnerWorker) -> None:
    pipe.send({"learning": True})
    try:
        pipe.send({"learned": learner.learn()})
    except (IllsortError, OSError, sqlite3.Error) as error:
        pipe.send({"trouble": located_message(error)})
