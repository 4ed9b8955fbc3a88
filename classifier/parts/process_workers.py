"""Predictors in processes of this machine, which share its cores and GPUs; one that dies takes nothing with it.

Each has a pipe of its own: a queue that many share keeps the lock of a process that was killed while it held it.
"""

from __future__ import annotations

import multiprocessing
import signal
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any, Final, Self

from classifier.errors import IllsortError, Message
from classifier.inference.process import block_sigint, end_with_parent
from classifier.inference.settled import settled_runtime
from classifier.parts.predictor import Job, Predictor
from classifier.parts.workers import Advanced, Answered, Event, Failed, Lost, Ready, Refused

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

_START_S: Final = 600.0
"""Each imports torch, which takes minutes on a slow disk or a busy machine."""
_STALLED_S: Final = 1800.0


@dataclass(frozen=True, slots=True)
class _Child:
    process: BaseProcess
    connection: Connection
    slot: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Share:
    """Which one of how many a process is, and multiprocessing's way to start others that its parent has."""

    slot: int
    of: int
    start_method: str


class ProcessWorkers:
    """Up to `most` processes; leave it to kill them."""

    start_s = _START_S
    stalled_s = _STALLED_S

    def __init__(self, job: Job, *, most: int) -> None:
        self.most = most
        self._job = job
        self._context = multiprocessing.get_context("spawn")
        self._temporary = tempfile.TemporaryDirectory(prefix="illsort-predict-", ignore_cleanup_errors=True)
        self._children: dict[int, _Child] = {}
        self._number = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in list(self._children):
            self.stop(worker)
        self._temporary.cleanup()

    @property
    def pids(self) -> dict[int, int]:
        """The process id of each worker."""
        return {worker: child.process.pid or 0 for worker, child in self._children.items()}

    def start(self) -> int:
        """One more, in the lowest place that is free: it has that share of the cores, and that GPU."""
        taken = {child.slot for child in self._children.values()}
        slot = next(place for place in range(self.most) if place not in taken)
        ours, theirs = self._context.Pipe()
        share = _Share(slot=slot, of=self.most, start_method=multiprocessing.get_start_method())
        process: Any = self._context.Process(target=_serve, args=(theirs, self._job, share, self._temporary.name))
        with block_sigint(self._context.get_start_method()):
            process.start()
        theirs.close()
        self._number += 1
        self._children[self._number] = _Child(process, ours, slot)
        return self._number

    def give(self, worker: int, part: int) -> None:
        """As `Workers` has it."""
        with suppress(OSError):  # it has died, which `events` finds
            self._children[worker].connection.send(part)

    def events(self, timeout_s: float) -> list[Event]:
        """As `Workers` has it."""
        by_handle = {child.connection: worker for worker, child in self._children.items()}
        events: list[Event] = []
        for connection in wait(list(by_handle), timeout_s):
            events += self._received(by_handle[connection])  # type: ignore[index]
        return events

    def _received(self, worker: int) -> list[Event]:
        """All that a worker has sent; its end, once that is read, is the last."""
        child, events = self._children[worker], list[Event]()
        try:
            while child.connection.poll():
                events.append(_event(worker, *child.connection.recv()))
        except (EOFError, OSError):
            child.process.join(_START_S)
            code = child.process.exitcode
            self.stop(worker)
            events.append(Lost(worker, Message("its process ended (exit code {exit_code})", exit_code=code)))
        return events

    def stop(self, worker: int) -> None:
        """As `Workers` has it."""
        if (child := self._children.pop(worker, None)) is None:
            return
        child.process.kill()
        child.process.join()
        child.connection.close()


def _event(worker: int, kind: str, value: Any) -> Event:
    if kind == "refused":
        return Refused(worker, value)
    if kind == "ready":
        return Ready(worker)
    makers = {"advanced": Advanced, "answered": Answered, "failed": Failed}
    event: Event = makers[kind](worker, value)
    return event


def _serve(connection: Connection, job: Job, share: _Share, temporary: str) -> None:
    """Do the parts that come; what is no fault of a part ends the process with its traceback.

    Its decoders are started as the parent would start them, and what it fetches lies where the parent removes it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    multiprocessing.set_start_method(share.start_method, force=True)
    tempfile.tempdir = temporary
    try:
        predictor = Predictor(job, settled_runtime(job.settings.runtime, number=share.slot, of=share.of))
    except IllsortError as error:
        connection.send(("refused", error.message))
        return
    with predictor:
        connection.send(("ready", None))
        while True:
            try:
                part = connection.recv()
            except EOFError:
                return
            try:
                connection.send(
                    ("answered", predictor.answer(part, lambda count: connection.send(("advanced", count))))
                )
            except IllsortError as error:
                connection.send(("failed", error.message))
