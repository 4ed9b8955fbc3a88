"""One worker process that reads tasks in order; if it dies or hangs, an error names the keys that it was reading.

Only this file uses torch's DataLoader: one for each worker, so that one that dies is replaced without the others.
"""

from __future__ import annotations

import multiprocessing
import signal
import threading
import time
import traceback
from typing import TYPE_CHECKING, Any, Final

from torch.utils.data import DataLoader
from torch.utils.data.dataloader import _MultiProcessingDataLoaderIter

from classifier.inference.process import block_sigint
from classifier.inference.worker import InFlight, PackedBatch, Task, TaskDataset, WorkerInit, pack

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from multiprocessing.context import BaseContext
    from multiprocessing.process import BaseProcess

    from classifier.inference.reader import Limits

_POLL_S: Final = 1.0
"""How often the worker is checked while no batch comes."""

_START_S: Final = 600.0
"""How long a worker may take to start: a spawned one imports torch, which takes minutes on a slow disk."""

_STALLED_S: Final = 120.0
"""After so long without a batch and without a file being read, the worker is stuck outside of reading."""

_DEATH_S: Final = 2.0
"""How long a worker whose connection broke may take to end."""


_BROKEN: Final = (RuntimeError, OSError, EOFError)
"""What reading from the worker raises: nothing came in time, it died, or its connection broke."""


class WorkerLostError(Exception):
    """The worker died or hangs; `keys` are those that it was reading."""

    def __init__(self, keys: list[int]) -> None:
        super().__init__(f"a worker process was lost while reading {keys}")
        self.keys = keys


class WorkerNotStartedError(Exception):
    """A worker ended before it could read, for example because there is no memory for one more process."""


class WorkerProcess:
    """A worker, used for one sequence of tasks after another; call `close` in any case.

    After an error it is closed; the next `begin` starts a new process.
    """

    def __init__(self, *, limits: Limits, threads: int, pin_memory: bool, context: BaseContext) -> None:
        self._limits = limits
        self._threads = threads
        self._pin_memory = pin_memory
        self._context = context
        self._tasks = _Tasks()
        self._loader: DataLoader[Any] | None = None
        self._process: BaseProcess | None = None
        self._batches: Iterator[PackedBatch] = iter(())
        self._in_flight = InFlight(threads, context)
        self._since = 0.0

    def begin(self, tasks: Iterable[Task]) -> None:
        """Give it tasks, whose batches `next` then returns. Raises WorkerNotStartedError."""
        self._tasks.tasks = tasks
        self._since = time.monotonic()
        if self._loader is not None:
            try:
                self._batches = iter(self._loader)
            except _BROKEN:  # it died or hangs since its last batch
                self.close()
            else:
                return
        self._start()

    def next(self) -> PackedBatch:
        """The batch of the next task. Raises WorkerLostError or WorkerNotStartedError."""
        while True:
            try:
                packed = next(self._batches)
            except _BROKEN as error:
                self._check(error)
                continue
            self._since = time.monotonic()
            return packed

    def close(self) -> None:
        """Kill the process, whatever it is doing."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._replace_end_event()
        self._process = self._loader = None
        self._batches = iter(())

    def _replace_end_event(self) -> None:
        """Give torch another event by which workers are told to end: it sets it when the loader goes.

        A process that is killed while it looks at the event keeps its lock, and torch would wait for that for ever.
        """
        batches: Any = getattr(self._loader, "_iterator", None)
        if hasattr(batches, "_workers_done_event"):
            batches._workers_done_event = self._context.Event()  # noqa: SLF001 - torch has no other way to say it

    def _start(self) -> None:
        self._in_flight = InFlight(self._threads, self._context)
        self._loader = DataLoader(
            TaskDataset(self._in_flight, self._threads),
            sampler=self._tasks,
            batch_size=None,  # a task is a batch
            num_workers=1,
            persistent_workers=True,
            collate_fn=pack,
            pin_memory=self._pin_memory,
            timeout=_POLL_S,
            worker_init_fn=WorkerInit(self._limits.worker_gigabytes, self._in_flight),
            multiprocessing_context=self._context,
        )
        before = set(multiprocessing.active_children())
        try:
            with block_sigint(self._context.get_start_method()):
                self._batches = iter(self._loader)
        except _BROKEN as error:
            self.close()
            raise WorkerNotStartedError(str(error)) from error
        self._process = next(iter(set(multiprocessing.active_children()) - before), None)

    def _check(self, error: Exception) -> None:
        """Return if `error` is only the timeout of a poll and the worker is well; else close it and raise."""
        is_timeout, in_flight = _is_timeout(error), self._in_flight
        waited_s = time.monotonic() - self._since
        if self._is_dead(0 if is_timeout else _DEATH_S) or in_flight.has_overdue(self._limits.deadline_s):
            self.close()
            if not in_flight.is_ready:
                raise WorkerNotStartedError("a worker process ended before it could read") from error
            raise WorkerLostError(in_flight.keys()) from error
        if not is_timeout:
            self.close()
            raise error
        if not in_flight.is_ready and waited_s > _START_S:
            self.close()
            raise WorkerNotStartedError(f"a worker process took more than {_START_S:.0f} seconds to start") from error
        is_idle = in_flight.is_ready and not in_flight.keys()
        if is_idle and waited_s > max(_STALLED_S, self._limits.deadline_s):
            self.close()
            raise WorkerLostError([]) from error

    def _is_dead(self, patience_s: float) -> bool:
        """Whether the worker has ended; waits `patience_s`, since its connection may break before it ends."""
        if self._process is None:
            return True
        self._process.join(patience_s)
        return not self._process.is_alive()


class _Tasks:
    """The DataLoader's sampler: the tasks of the present sequence."""

    def __init__(self) -> None:
        self.tasks: Iterable[Task] = ()

    def __iter__(self) -> Iterator[Task]:
        return iter(self.tasks)


def _is_timeout(error: Exception) -> bool:
    """Whether a poll found no batch in time: torch has no type for it, but one function that raises nothing else."""
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return frame.f_code is _MultiProcessingDataLoaderIter._get_data.__code__  # noqa: SLF001 - see above


class ChildSignals:
    """Keeps torch's SIGCHLD handler out of the program, in which it raises RuntimeError anywhere when a worker dies.

    We look for deaths ourselves, between batches. Call `remove` after a process was started, `restore` at the end.
    """

    def __init__(self) -> None:
        is_ours = hasattr(signal, "SIGCHLD") and threading.current_thread() is threading.main_thread()
        self._before: Any = signal.getsignal(signal.SIGCHLD) if is_ours else None

    def remove(self) -> None:
        """Remove the handler that torch has set."""
        is_torch_handler = getattr(self._before, "__module__", "").startswith("torch.")
        self._set(signal.SIG_DFL if is_torch_handler else self._before)

    def restore(self) -> None:
        """Set the handler that there was at first."""
        self._set(self._before)

    def _set(self, handler: Any) -> None:
        if self._before is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGCHLD, handler)
