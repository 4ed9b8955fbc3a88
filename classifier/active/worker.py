"""The learner process beside the page: waits for annotations, learns, and ends when its pipe closes.

It receives {"annotations": n}, n more annotations, and {"file": true}. It sends one dictionary an event. It ends with
the page, also when the page is killed; a ranking that was half written is then ignored.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
import time
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final

from classifier.active.apply import file_learned
from classifier.active.learner import Learner
from classifier.active.sample import KIND
from classifier.catalog import audits, ranking, runs
from classifier.catalog.connection import read_catalog
from classifier.errors import IllsortError, located_message

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from pathlib import Path

BATCH_SIZE: Final = 25
"""Annotations after which it learns at once."""
_PAUSE_S: Final = 15.0
"""After so long without an annotation it learns from fewer."""
_LOOK_S: Final = 1.0
_LEAST_PRIORITY: Final = 19


def run_learner(pipe: Connection, library: Path) -> None:
    """Learn until the page ends. Errors are sent as messages and do not end it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the page, whose end ends this
    if hasattr(os, "nice"):
        os.nice(_LEAST_PRIORITY)
    inbox: SimpleQueue[dict[str, Any]] = SimpleQueue()
    threading.Thread(target=_listen, args=(pipe, inbox), daemon=True).start()
    _wait_for_groups(library)
    model = _model(library)
    learner = _begin(pipe, library)
    pending = 0
    while True:
        message = _next(inbox)
        pending += message.get("annotations", 0)
        if learner is not None and message.get("file"):
            _file(pipe, library, learner)
        if message.get("file") or _model(library) != model:  # sorted again, with another model or a first one
            model, pending = _model(library), 0
            learner = _begin(pipe, library)
        elif learner is not None and (pending >= BATCH_SIZE or (pending and not message)):
            _learn(pipe, learner)
            pending = 0


def _model(library: Path) -> object:
    """What a learner begins with: the model of the last sort and its settings; None before the first."""
    with suppress(IllsortError, sqlite3.Error), read_catalog(library) as catalog:
        return audits.last_sort(catalog)
    return None


def _wait_for_groups(library: Path) -> None:
    """Wait for the groups of a sample that is still being read: a learner takes its images from them once."""
    while True:
        with read_catalog(library) as catalog:
            is_sample = audits.last_sort(catalog) is None and runs.has_run_of_kind(catalog, KIND)
        if not is_sample or ranking.has_been_written(library):
            return
        time.sleep(_LOOK_S)


def _next(inbox: SimpleQueue[dict[str, Any]]) -> dict[str, Any]:
    """The next message of the page; empty after a pause without one."""
    try:
        return inbox.get(timeout=_PAUSE_S)
    except Empty:
        return {}


def _begin(pipe: Connection, library: Path) -> Learner | None:
    """A learner after its first round; None, which is sent, when there is nothing to learn with."""
    try:
        learner = Learner(library)
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


def _learn(pipe: Connection, learner: Learner) -> None:
    pipe.send({"learning": True})
    try:
        pipe.send({"learned": learner.learn()})
    except (IllsortError, OSError, sqlite3.Error) as error:
        pipe.send({"trouble": located_message(error)})
