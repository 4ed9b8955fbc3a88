"""What one reading process does, and how it shows which file it has in hand, so that its death costs that file alone.

Everything here crosses into worker processes, forked or spawned. Must not know how many there are or why one died.
"""

from __future__ import annotations

import ctypes
import faulthandler
import os
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import torch
from PIL import AvifImagePlugin
from torch import Tensor
from torch.utils.data import Dataset, get_worker_info

from classifier.inference.memory_limit import limit_memory
from classifier.inference.reader import Read, ReadError

if TYPE_CHECKING:
    from multiprocessing.context import BaseContext

    from classifier.inference.path_array import PackedPaths
    from classifier.inference.reader import Reader
    from classifier.records import ImageFile, Picture

_NOTHING: Final = -1
_PR_SET_PDEATHSIG: Final = 1  # of Linux's prctl.h


class InFlight:
    """Memory that all workers share: each one's process id, the key it is reading, and since when."""

    def __init__(self, workers: int, context: BaseContext) -> None:
        self._pids: Any = context.RawArray(ctypes.c_int64, workers)
        self._keys: Any = context.RawArray(ctypes.c_int64, [_NOTHING] * workers)
        self._since: Any = context.RawArray(ctypes.c_double, workers)

    def enter(self, worker: int) -> None:
        """This process is that worker."""
        self._pids[worker] = os.getpid()

    def take(self, worker: int, key: int) -> None:
        """The worker begins to read this key."""
        self._since[worker] = time.monotonic()
        self._keys[worker] = key

    def put_down(self, worker: int) -> None:
        """The worker is done with its key."""
        self._keys[worker] = _NOTHING

    def pids(self) -> list[int]:
        """The processes that have begun to work."""
        return [pid for pid in self._pids if pid]

    def keys(self) -> list[int]:
        """What is being read, or was when its reader died."""
        return sorted({key for key in self._keys if key != _NOTHING})

    def has_overdue(self, deadline_s: float) -> bool:
        """Whether any key has been in hand for longer than `deadline_s`."""
        now = time.monotonic()
        return any(
            key != _NOTHING and now - since > deadline_s for key, since in zip(self._keys, self._since, strict=True)
        )


@dataclass(frozen=True, slots=True)
class PackedBatch:
    """A batch on its way between processes: one tensor for all its pictures, so that one handle is passed, not many.

    `shells` are in the order of `keys`; each pair, and no Unread, has a row in `pixels`.
    """

    keys: list[int]
    shells: list[tuple[ImageFile, Picture] | ReadError]
    pixels: Tensor

    def pin_memory(self) -> PackedBatch:
        """The same with its pixels where a GPU can fetch them by itself; called by torch's DataLoader."""
        return PackedBatch(self.keys, self.shells, self.pixels.pin_memory())


class ImageDataset(Dataset[tuple[int, Read | ReadError]]):
    """Key to what reading it gives; tells the shared memory what it is at."""

    def __init__(self, paths: PackedPaths, reader: Reader, in_hand: InFlight) -> None:
        self._paths = paths
        self._reader = reader
        self._in_hand = in_hand

    def __getitem__(self, key: int) -> tuple[int, Read | ReadError]:
        info = get_worker_info()
        worker = 0 if info is None else info.id
        self._in_hand.take(worker, key)
        outcome = self._reader.read(self._paths[key])
        self._in_hand.put_down(worker)
        return key, outcome


@dataclass(frozen=True, slots=True)
class Start:
    """How a worker begins."""

    in_hand: InFlight
    gigabytes: float

    def __call__(self, worker: int) -> None:
        """Called by torch in the worker, before it reads anything."""
        settle_in(gigabytes=self.gigabytes)
        self.in_hand.enter(worker)


def settle_in(*, gigabytes: float) -> None:
    """Make this process a quiet reader: one thread, no answer to Ctrl-C, no chatter of C libraries on the screen.

    It may take `gigabytes` of memory more than it has now; 0 sets no limit.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    faulthandler.disable()
    torch.set_num_threads(1)
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    # libtiff and libjpeg write what they dislike about a file straight to descriptor 2.
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 2)
    os.close(silence)
    sys.stderr = None
    _end_with_parent()
    limit_memory(gigabytes)


def _end_with_parent() -> None:
    """On Linux, have the kernel kill this process when its parent is killed, even while a decoder hangs here.

    A forked worker shares the parent's open files, so an orphan would hold on to a lock that the parent had.
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def pack(items: list[tuple[int, Read | ReadError]]) -> PackedBatch:
    """Put what was read into one batch."""
    pixels = [outcome.pixels for _, outcome in items if isinstance(outcome, Read)]
    return PackedBatch(
        keys=[key for key, _ in items],
        shells=[outcome if isinstance(outcome, ReadError) else (outcome.file, outcome.picture) for _, outcome in items],
        pixels=torch.stack(pixels) if pixels else torch.empty(0, dtype=torch.uint8),
    )


def unpack(packed: PackedBatch) -> dict[int, Read | ReadError]:
    """Take a batch apart again, by key; the pictures' pixels are views of the batch's."""
    rows = iter(packed.pixels)
    return {
        key: shell if isinstance(shell, ReadError) else Read(file=shell[0], picture=shell[1], pixels=next(rows))
        for key, shell in zip(packed.keys, packed.shells, strict=True)
    }
