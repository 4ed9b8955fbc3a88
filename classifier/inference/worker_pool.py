"""Worker processes that read batches in order; if one dies or hangs, an error names the keys being read.

Only this file uses torch's DataLoader.
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
from classifier.inference.worker import ImageDataset, InFlight, PackedBatch, WorkerInit, pack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from multiprocessing.context import BaseContext
    from multiprocessing.process import BaseProcess

    from classifier.inference.loader import PackedPaths
    from classifier.inference.reader import Limits, Reader

_POLL_S: Final = 1.0
"""How often the workers are checked while no batch comes."""

_STALLED_S: Final = 120.0
"""After so long without a batch and without a file being read, the workers are stuck outside of reading."""

_DEATH_S: Final = 2.0
"""How long a worker whose connection broke may take to end."""


class WorkersLostError(Exception):
    """Workers died or hang; `keys` are those that any worker was reading."""

    def __init__(self, keys: list[int]) -> None:
        super().__init__(f"worker processes were lost while reading {keys}")
        self.keys = keys


class WorkerPool:
    """Workers, usable as long as all of them live; call `close` in any case."""

    def __init__(
        self,
        paths: PackedPaths,
        reader: Reader,
        plan: Iterable[list[int]],
        *,
        limits: Limits,
        workers: int,
        pin_memory: bool,
        context: BaseContext,
    ) -> None:
        self._deadline_s = limits.deadline_s
        self._in_flight = InFlight(workers, context)
        self._last_batch = time.monotonic()
        loader = DataLoader(
            ImageDataset(paths, reader, self._in_flight),
            batch_sampler=plan,
            num_workers=workers,
            collate_fn=pack,
            pin_memory=pin_memory,
            timeout=_POLL_S,
            worker_init_fn=WorkerInit(limits.worker_gigabytes),
            multiprocessing_context=context,
        )
        handler = _sigchld_handler()
        before = set(multiprocessing.active_children())
        with block_sigint():
            self._batches: Iterator[PackedBatch] | None = iter(loader)
        self._processes: list[BaseProcess] = [one for one in multiprocessing.active_children() if one not in before]
        self._restore_signal = _remove_torch_handler(handler)

    def __iter__(self) -> Iterator[PackedBatch]:
        while self._batches is not None:
            try:
                packed = next(self._batches)
            except StopIteration:
                return
            except (RuntimeError, OSError, EOFError) as error:
                self._check(error)
                continue
            self._last_batch = time.monotonic()
            yield packed

    def _check(self, error: Exception) -> None:
        """Return if `error` is only the timeout of a poll and the workers are well; else raise."""
        is_timeout = _is_timeout(error)
        if self._in_flight.has_overdue(self._deadline_s) or self._is_any_dead(0 if is_timeout else _DEATH_S):
            raise WorkersLostError(self._in_flight.keys()) from error
        if not is_timeout:
            raise error
        is_idle = not self._in_flight.keys()
        if is_idle and time.monotonic() - self._last_batch > max(_STALLED_S, self._deadline_s):
            raise WorkersLostError([]) from error

    def _is_any_dead(self, patience_s: float) -> bool:
        """Whether a worker has ended; waits `patience_s`, since its connection may break before it ends."""
        end = time.monotonic() + patience_s
        while all(process.is_alive() for process in self._processes):
            if time.monotonic() >= end:
                return False
            time.sleep(0.05)
        return True

    def close(self) -> None:
        """Kill the workers, whatever they are doing."""
        for process in self._processes:
            if process.is_alive():
                process.kill()
        for process in self._processes:
            process.join()
        self._batches = None
        self._restore_signal()


def _is_timeout(error: Exception) -> bool:
    """Whether a poll found no batch in time: torch has no type for it, but one function that raises nothing else."""
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return frame.f_code is _MultiProcessingDataLoaderIter._get_data.__code__  # noqa: SLF001 - see above


def _sigchld_handler() -> Any:
    return signal.getsignal(signal.SIGCHLD) if hasattr(signal, "SIGCHLD") else None


def _remove_torch_handler(before: Any) -> Callable[[], None]:
    """Remove torch's SIGCHLD handler, which raises RuntimeError anywhere in the program when a worker dies.

    The pool detects deaths itself, between batches. Returns a function that restores the handler `before`.
    """
    if before is None or threading.current_thread() is not threading.main_thread():
        return lambda: None
    is_torch_handler = getattr(before, "__module__", "").startswith("torch.")
    signal.signal(signal.SIGCHLD, signal.SIG_DFL if is_torch_handler else before)
    return lambda: _set_sigchld_handler(before)


def _set_sigchld_handler(handler: Any) -> None:
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGCHLD, handler)
