"""What runs in a worker process, and the shared memory that shows which files it is reading.

A worker that dies or hangs thus costs only the file that it was reading. Works with forked and spawned processes.
"""

from __future__ import annotations

import ctypes
import faulthandler
import os
import pickle
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast

import torch
from PIL import AvifImagePlugin
from torch import Tensor
from torch.utils.data import Dataset

from classifier.inference.process import end_with_parent, limit_memory
from classifier.inference.reader import Read, ReadError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.context import BaseContext
    from pathlib import Path

    from classifier.inference.reader import Reader
    from classifier.records import ImageFile, ImageInfo

_NONE: Final = -1


class InFlight:
    """Memory shared with one worker process: the key that each of its threads reads, since when, and if it is ready."""

    def __init__(self, threads: int, context: BaseContext) -> None:
        self._keys: Any = context.RawArray(ctypes.c_int64, [_NONE] * threads)
        self._since: Any = context.RawArray(ctypes.c_double, threads)
        self._ready: Any = context.RawValue(ctypes.c_bool, False)

    def begin(self, thread: int, key: int) -> None:
        """The thread begins to read this key."""
        self._since[thread] = time.monotonic()
        self._keys[thread] = key

    def end(self, thread: int) -> None:
        """The thread has read its key."""
        self._keys[thread] = _NONE

    def keys(self) -> list[int]:
        """What is being read, or was when the worker died."""
        return sorted({key for key in self._keys if key != _NONE})

    def has_overdue(self, deadline_s: float) -> bool:
        """Whether any key has been read for longer than `deadline_s`."""
        now = time.monotonic()
        return any(
            key != _NONE and now - since > deadline_s for key, since in zip(self._keys, self._since, strict=True)
        )

    def set_ready(self) -> None:
        """The worker has imported what it needs."""
        self._ready.value = True

    @property
    def is_ready(self) -> bool:
        """Whether the worker can read; a process that is spawned imports torch first."""
        return bool(self._ready.value)


@dataclass(frozen=True, slots=True)
class PackedBatch:
    """A batch in transit between processes: one tensor for all images, so that one handle is passed, not many.

    `metadata` is in the order of `keys`; each pair in it, and no ReadError, has a row in `pixels`.
    """

    keys: list[int]
    metadata: list[tuple[ImageFile, ImageInfo] | ReadError]
    pixels: Tensor

    def pin_memory(self) -> PackedBatch:
        """The batch with pinned pixels; torch's DataLoader calls it."""
        return PackedBatch(self.keys, self.metadata, self.pixels.pin_memory())


@dataclass(frozen=True, slots=True)
class Task:
    """What a worker does next: read these images, each with its key, with a pickled reader.

    That is pickled here, and once, since what cannot be pickled would be dropped in a thread of the queue.
    """

    reader: bytes
    images: tuple[tuple[int, Path], ...]


class TaskDataset(Dataset[list[tuple[int, "Read | ReadError"]]]):
    """Maps a task to what reading its images gives; `in_flight` has what is being read. It holds no paths itself."""

    def __init__(self, in_flight: InFlight, threads: int) -> None:
        self._in_flight = in_flight
        self._threads = threads
        self._pool: ThreadPoolExecutor | None = None  # made in the worker: threads do not survive a fork

    def __getitem__(self, task: Task) -> list[tuple[int, Read | ReadError]]:
        reader = _unpickled(task.reader)
        if self._threads == 1:
            return [self._read(0, reader, image) for image in task.images]
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._threads)
        parts = [range(first, len(task.images), self._threads) for first in range(self._threads)]
        done = self._pool.map(lambda part: self._read_part(reader, task.images, part), parts)
        return sorted((one for part in done for one in part), key=lambda one: one[0])

    def _read_part(
        self, reader: Reader, images: Sequence[tuple[int, Path]], part: range
    ) -> list[tuple[int, Read | ReadError]]:
        return [self._read(part.start, reader, images[index]) for index in part]

    def _read(self, thread: int, reader: Reader, image: tuple[int, Path]) -> tuple[int, Read | ReadError]:
        key, path = image
        self._in_flight.begin(thread, key)
        result = reader.read(path)
        self._in_flight.end(thread)
        return key, result


@lru_cache(maxsize=1)
def _unpickled(reader: bytes) -> Reader:
    return cast("Reader", pickle.loads(reader))  # noqa: S301 - from our own process


@dataclass(frozen=True, slots=True)
class WorkerInit:
    """The DataLoader's worker_init_fn; a class, so that it can be pickled."""

    gigabytes: float
    in_flight: InFlight

    def __call__(self, worker: int) -> None:  # noqa: ARG002 - torch gives its number
        """Called by torch in the worker before it reads anything."""
        init_worker(gigabytes=self.gigabytes)
        self.in_flight.set_ready()


def init_worker(*, gigabytes: float) -> None:
    """Prepare this process for reading: one thread, Ctrl-C ignored, standard error closed.

    It may take `gigabytes` of memory more than it has now; 0 sets no limit.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    faulthandler.disable()
    torch.set_num_threads(1)
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    # libtiff and libjpeg write their warnings straight to descriptor 2.
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    os.close(null)
    sys.stderr = None
    end_with_parent()
    limit_memory(gigabytes)


def pack(items: list[tuple[int, Read | ReadError]]) -> PackedBatch:
    """Collate what was read into one batch."""
    pixels = [result.pixels for _, result in items if isinstance(result, Read)]
    return PackedBatch(
        keys=[key for key, _ in items],
        metadata=[result if isinstance(result, ReadError) else (result.file, result.image) for _, result in items],
        pixels=torch.stack(pixels) if pixels else torch.empty(0, dtype=torch.uint8),
    )


def unpack(packed: PackedBatch) -> dict[int, Read | ReadError]:
    """The batch's results by key; their pixels are views of the batch's."""
    rows = iter(packed.pixels)
    return {
        key: one if isinstance(one, ReadError) else Read(file=one[0], image=one[1], pixels=next(rows))
        for key, one in zip(packed.keys, packed.metadata, strict=True)
    }
