"""Worker processes for a whole command: they read one sequence of images after another, and are started once.

Images are handed out with their keys, so no worker holds a list of paths. A worker that a file kills or hangs is
replaced alone, and each file that it was reading is tried again in a process of its own.
"""

from __future__ import annotations

import math
import multiprocessing
import pickle
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

from classifier.errors import IllsortError, Message
from classifier.inference.isolated_read import read_isolated
from classifier.inference.stopwatch import Stopwatch
from classifier.inference.worker import PackedBatch, Task
from classifier.inference.worker_process import ChildSignals, WorkerLostError, WorkerNotStartedError, WorkerProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from classifier.inference.reader import Limits, Read, Reader, ReadError

_MAX_LOST: Final = 3
"""How often a worker may be lost one time after another without a file to blame."""

_THREADS: Final = 4
"""Images that a spawned worker decodes at once. Each such process imports torch, which takes time and memory; decoding
and resizing release the GIL."""


class Paths(Protocol):
    """A list of paths, or what takes less memory."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Path: ...


@dataclass(frozen=True)
class Plan:
    """Which images are read, in batches of consecutive keys (indices of `paths`), and by what."""

    paths: Paths
    reader: Reader
    batch_size: int

    def __len__(self) -> int:
        return math.ceil(len(self.paths) / self.batch_size)

    def keys(self, number: int) -> range:
        """The keys of one batch."""
        return range(number * self.batch_size, min((number + 1) * self.batch_size, len(self.paths)))

    @cached_property
    def packed_reader(self) -> bytes:
        """The reader as tasks carry it."""
        return pickle.dumps(self.reader)

    def task(self, number: int, *, without: Mapping[int, object]) -> Task:
        """One batch, without the keys that are read already."""
        keys = [key for key in self.keys(number) if key not in without]
        return Task(self.packed_reader, tuple((key, self.paths[key]) for key in keys))


class WorkerPool:
    """Up to `workers` images are read at once; 0 is for reading in this process. Leave it, or call `close`, to end it.

    `start_method` is multiprocessing's. `say` is told when there is not enough memory for so many processes. `watch`
    measures from the pool's beginning what was waited for.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        workers: int,
        pin_memory: bool = False,
        start_method: str | None = None,
        threads: int | None = None,
        say: Callable[[Message], None] = lambda _: None,
    ) -> None:
        self.limits = limits
        self.watch = Stopwatch()
        self.pin_memory = pin_memory
        self._context: Any = multiprocessing.get_context(start_method)
        is_spawned = self._context.get_start_method() == "spawn"
        self._threads = threads or (min(_THREADS, max(1, workers)) if is_spawned else 1)
        self.processes = -(-workers // self._threads)
        self._say = say
        self._signals = ChildSignals()
        self._workers: list[WorkerProcess] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Kill the workers, whatever they are doing."""
        for worker in self._workers:
            worker.close()
        self._workers.clear()
        self._signals.restore()

    def read(self, plan: Plan) -> Iterator[tuple[PackedBatch, dict[int, Read | ReadError]]]:
        """Each batch of the plan in order: what a worker read, and what was read in isolation, by key.

        Raises IllsortError when no process can be started, and RuntimeError when they end again and again without a
        file to blame.
        """
        number, is_done = 0, False
        try:
            while number < len(plan):
                try:
                    lanes = self._lanes(plan, number)
                    while number < len(plan):
                        yield lanes[number % len(lanes)].batch(number)
                        number += 1
                except WorkerNotStartedError as error:
                    self._halve(error)
            is_done = True
        finally:
            if not is_done:  # they have tasks that nobody waits for
                self.close()

    def _lanes(self, plan: Plan, start: int) -> list[_Lane]:
        """Workers that share the batches from `start` on in turn: batch n is for worker n modulo their number."""
        count = min(self.processes, len(plan))
        while len(self._workers) < count:
            self._workers.append(
                WorkerProcess(
                    limits=self.limits, threads=self._threads, pin_memory=self.pin_memory, context=self._context
                )
            )
        lanes = [_Lane(worker, plan, step=count, limits=self.limits) for worker in self._workers[:count]]
        for number in range(start, start + count):
            lanes[number % count].begin(number)
            self._signals.remove()
        return lanes

    def _halve(self, error: Exception) -> None:
        """Go on with half as many processes. Raises IllsortError when there was one only."""
        if self.processes == 1:
            raise IllsortError(
                "no process to read pictures in can be started ({why}); close other programs, or give --workers 0",
                why=str(error),
            ) from error
        self.close()
        self.processes //= 2
        self._say(
            Message(
                "A process to read pictures in could not be started, perhaps for lack of memory: {count} go on.",
                count=self.processes,
            )
        )


class _Lane:
    """One worker's share of a plan: every `step`-th batch."""

    def __init__(self, worker: WorkerProcess, plan: Plan, *, step: int, limits: Limits) -> None:
        self._worker = worker
        self._plan = plan
        self._step = step
        self._limits = limits
        self._start = 0
        self._isolated: dict[int, Read | ReadError] = {}

    def __iter__(self) -> Iterator[Task]:
        for number in range(self._start, len(self._plan), self._step):
            yield self._plan.task(number, without=self._isolated)

    def begin(self, number: int) -> None:
        """Send the worker its tasks from batch `number` on."""
        self._start = number
        self._worker.begin(self)

    def batch(self, number: int) -> tuple[PackedBatch, dict[int, Read | ReadError]]:
        """The next batch, which is `number`; a worker that is lost is replaced."""
        keys, lost_in_a_row = self._plan.keys(number), 0
        while True:
            try:
                packed = self._worker.next()
            except WorkerLostError as lost:
                suspects = [key for key in lost.keys if key not in self._isolated]
                lost_in_a_row = 0 if suspects else lost_in_a_row + 1
                if lost_in_a_row > _MAX_LOST:
                    where = self._plan.paths[keys.start]
                    raise RuntimeError(
                        f"the reading processes end again and again without reading, at {where}"
                    ) from lost
                self._isolated |= read_isolated(
                    [(key, self._plan.paths[key]) for key in suspects], self._plan.reader, limits=self._limits
                )
                self.begin(number)
                continue
            return packed, {key: self._isolated.pop(key) for key in keys if key in self._isolated}
