"""The process that learns beside the page: it waits for words, learns, and is told to end by the end of its pipe.

What it is told: {"said": n}, n more words; {"file": true}. What it tells: one dictionary for each thing that happened.
It dies with the page, also when that is killed: what it was writing is not whole then, and is passed over.
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
from classifier.errors import IllsortError

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection
    from pathlib import Path

EVERY: Final = 25
"""Words after which it learns at once."""
_PAUSE_S: Final = 15.0
"""How long nobody says a word before it learns from fewer."""
_LEAST_PRIORITY: Final = 19


class LearnerWorker(Protocol):
    """What learns in one library."""

    def learn(self) -> int:
        """One round; the number of the outlook that was written, 0 when none was."""


def run(pipe: Connection, library: Path, *, begin: Callable[[Path], LearnerWorker] = Learner) -> None:
    """Learn by what `begin` makes until the page ends; what goes wrong is told in a line, and does not end it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the page, whose end ends this
    if hasattr(os, "nice"):
        os.nice(_LEAST_PRIORITY)
    told: SimpleQueue[dict[str, Any]] = SimpleQueue()
    threading.Thread(target=_listen, args=(pipe, told), daemon=True).start()
    learner = _begin(pipe, library, begin)
    unlearned = 0
    while learner is not None:
        heard = _next(told)
        unlearned += heard.get("said", 0)
        if heard.get("file") and isinstance(learner, Learner):  # what labels from nothing has no model to file by
            _file(pipe, library, learner)
            learner, unlearned = _begin(pipe, library, begin), 0
        elif unlearned >= EVERY or (unlearned and not heard):
            _learn(pipe, learner)
            unlearned = 0


def _next(told: SimpleQueue[dict[str, Any]]) -> dict[str, Any]:
    """What the page says next; nothing when it says nothing for a while."""
    try:
        return told.get(timeout=_PAUSE_S)
    except Empty:
        return {}


def _begin(pipe: Connection, library: Path, begin: Callable[[Path], LearnerWorker]) -> LearnerWorker | None:
    """A learner that has learned once; None, which is told, when there is nothing to learn by."""
    try:
        learner = begin(library)
    except IllsortError as error:
        pipe.send({"cannot": str(error)})
        return None
    _learn(pipe, learner)
    return learner


def _file(pipe: Connection, library: Path, learner: Learner) -> None:
    try:
        pipe.send({"filed": file_learned(library, learner, tell=pipe.send)})
    except (IllsortError, OSError, sqlite3.Error) as error:
        pipe.send({"notFiled": f"{error}"})


def _listen(pipe: Connection, told: SimpleQueue[dict[str, Any]]) -> None:
    """Pass on what the page says, and end with it, whatever is at work: everything it does bears being killed."""
    with suppress(EOFError, OSError):
        while True:
            told.put(pipe.recv())
    os._exit(0)


def _learn(pipe: Connection, learner: LearnerWorker) -> None:
    pipe.send({"learning": True})
    try:
        pipe.send({"learned": learner.learn()})
    except (IllsortError, OSError, sqlite3.Error) as error:
        pipe.send({"trouble": f"{error}"})
