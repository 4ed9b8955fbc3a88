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

from classifier.errors import IllsortError
from classifier.relearn.learner import Learner

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection
    from pathlib import Path

EVERY: Final = 25
"""Words after which it learns at once."""
_PAUSE_S: Final = 15.0
"""How long nobody says a word before it learns from fewer."""
_LEAST_PRIORITY: Final = 19


class Learns(Protocol):
    """What learns in one library."""

    def learn(self) -> int:
        """One round; the number of the outlook that was written, 0 when none was."""


def run(pipe: Connection, library: Path, *, begin: Callable[[Path], Learns] = Learner) -> None:
    """Learn by what `begin` makes until the page ends; what goes wrong is told in a line, and does not end it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the page, whose end ends this
    if hasattr(os, "nice"):
        os.nice(_LEAST_PRIORITY)
    told: SimpleQueue[dict[str, Any]] = SimpleQueue()
    threading.Thread(target=_listen, args=(pipe, told), daemon=True).start()
    try:
        learner = begin(library)
    except IllsortError as error:
        pipe.send({"cannot": str(error)})
        return
    _learn(pipe, learner)
    unlearned = 0
    while True:
        try:
            unlearned += told.get(timeout=_PAUSE_S).get("said", 0)
        except Empty:
            due = unlearned > 0
        else:
            due = unlearned >= EVERY
        if due:
            _learn(pipe, learner)
            unlearned = 0


def _listen(pipe: Connection, told: SimpleQueue[dict[str, Any]]) -> None:
    """Pass on what the page says, and end with it, whatever is at work: everything it does bears being killed."""
    with suppress(EOFError, OSError):
        while True:
            told.put(pipe.recv())
    os._exit(0)


def _learn(pipe: Connection, learner: Learns) -> None:
    pipe.send({"learning": True})
    try:
        pipe.send({"learned": learner.learn()})
    except (IllsortError, OSError, sqlite3.Error) as error:
        pipe.send({"trouble": f"{error}"})
