"""Worker processes under watch: batches come in order until a worker dies or hangs, and then it is said which keys.

The one file that knows torch's DataLoader and its ways. Must not know what becomes of the keys.
"""

from __future__ import annotations

import multiprocessing
import signal
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from torch.utils.data import DataLoader

from classifier.inference.signals import block_sigint
from classifier.inference.worker import ImageDataset, InFlight, PackedBatch, Start, pack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from multiprocessing.context import BaseContext
    from multiprocessing.process import BaseProcess

    from classifier.inference.limits import Limits
    from classifier.inference.path_array import PackedPaths
    from classifier.inference.reader import Reader

_LOOK_S: Final = 1.0
"""How often the watch looks at the workers while no batch comes."""

_STALLED_S: Final = 120.0
"""After so long without a batch and without any file in hand, the workers are stuck outside of reading."""

_DYING_S: Final = 2.0


class WorkersLostError(Exception):
    """Workers died or hang; `keys` are what they and the others had in hand."""

    def __init__(self, keys: list[int]) -> None:
        super().__init__(f"worker processes were lost while reading {keys}")
        self.keys = keys


class WorkerPool:
    """Some workers, for as long as all of them live; `close` it in any case."""

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
        self._in_hand = InFlight(workers, context)
        self._heard = time.monotonic()
        loader = DataLoader(
            ImageDataset(paths, reader, self._in_hand),
            batch_sampler=plan,
            num_workers=workers,
            collate_fn=pack,
            pin_memory=pin_memory,
            timeout=_LOOK_S,
            worker_init_fn=Start(self._in_hand, limits.worker_gigabytes),
            multiprocessing_context=context,
        )
        handler = _child_signal()
        before = set(multiprocessing.active_children())
        with block_sigint():
            self._batches: Iterator[PackedBatch] | None = iter(loader)
        self._processes: list[BaseProcess] = [one for one in multiprocessing.active_children() if one not in before]
        self._give_back_signal = _without_torchs_child_signal(handler)

    def __iter__(self) -> Iterator[PackedBatch]:
        while self._batches is not None:
            try:
                packed = next(self._batches)
            except StopIteration:
                return
            except (RuntimeError, OSError, EOFError) as error:
                self._judge(error)
                continue
            self._heard = time.monotonic()
            yield packed

    def _judge(self, error: Exception) -> None:
        """Return when it was only impatience; else raise what it was."""
        is_impatience = "timed out" in str(error)
        if self._in_hand.has_overdue(self._deadline_s) or self._is_any_dead(0 if is_impatience else _DYING_S):
            raise WorkersLostError(self._in_hand.keys()) from error
        if not is_impatience:
            raise error
        is_idle = not self._in_hand.keys()
        if is_idle and time.monotonic() - self._heard > max(_STALLED_S, self._deadline_s):
            raise WorkersLostError([]) from error

    def _is_any_dead(self, patience_s: float) -> bool:
        """Whether a worker has ended; waits a little when its broken connection may be ahead of its end."""
        end = time.monotonic() + patience_s
        while all(process.is_alive() for process in self._processes):
            if time.monotonic() >= end:
                return False
            time.sleep(0.05)
        return True

    def close(self) -> None:
        """End the workers, at once and whatever they are at."""
        for process in self._processes:
            if process.is_alive():
                process.kill()
        for process in self._processes:
            process.join()
        self._batches = None
        self._give_back_signal()


def _child_signal() -> Any:
    return signal.getsignal(signal.SIGCHLD) if hasattr(signal, "SIGCHLD") else None


def _without_torchs_child_signal(before: Any) -> Callable[[], None]:
    """Take out the handler by which torch raises RuntimeError wherever the program happens to be when a worker dies.

    A crew sees deaths by itself, between batches. Returns what puts the handler of `before` back.
    """
    if before is None or threading.current_thread() is not threading.main_thread():
        return lambda: None
    is_torchs = getattr(before, "__module__", "").startswith("torch.")
    signal.signal(signal.SIGCHLD, signal.SIG_DFL if is_torchs else before)
    return lambda: _set_child_signal(before)


def _set_child_signal(handler: Any) -> None:
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGCHLD, handler)
