"""What runs in a worker process, and the shared memory that shows which file each worker is reading.

A worker that dies or hangs thus costs only the file that it was reading. Works with forked and spawned processes.
"""

from __future__ import annotations

import ctypes
import faulthandler
import os
import signal
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import torch
from PIL import AvifImagePlugin
from torch import Tensor
from torch.utils.data import Dataset, get_worker_info

from classifier.inference.process import end_with_parent, limit_memory
from classifier.inference.reader import Read, ReadError

if TYPE_CHECKING:
    from multiprocessing.context import BaseContext

    from classifier.inference.loader import PackedPaths
    from classifier.inference.reader import Reader
    from classifier.records import ImageFile, ImageInfo

_NONE: Final = -1


class InFlight:
    """Memory that all workers share: the key that each is reading, and since when."""

    def __init__(self, workers: int, context: BaseContext) -> None:
        self._keys: Any = context.RawArray(ctypes.c_int64, [_NONE] * workers)
        self._since: Any = context.RawArray(ctypes.c_double, workers)

    def begin(self, worker: int, key: int) -> None:
        """The worker begins to read this key."""
        self._since[worker] = time.monotonic()
        self._keys[worker] = key

    def end(self, worker: int) -> None:
        """The worker has read its key."""
        self._keys[worker] = _NONE

    def keys(self) -> list[int]:
        """What is being read, or was when its worker died."""
        return sorted({key for key in self._keys if key != _NONE})

    def has_overdue(self, deadline_s: float) -> bool:
        """Whether any key has been read for longer than `deadline_s`."""
        now = time.monotonic()
        return any(
            key != _NONE and now - since > deadline_s for key, since in zip(self._keys, self._since, strict=True)
        )


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


class ImageDataset(Dataset[tuple[int, Read | ReadError]]):
    """Maps a key, the index of a path, to what reading it gives; records it in `in_flight` meanwhile."""

    def __init__(self, paths: PackedPaths, reader: Reader, in_flight: InFlight) -> None:
        self._paths = paths
        self._reader = reader
        self._in_flight = in_flight

    def __getitem__(self, key: int) -> tuple[int, Read | ReadError]:
        info = get_worker_info()
        worker = 0 if info is None else info.id
        self._in_flight.begin(worker, key)
        result = self._reader.read(self._paths[key])
        self._in_flight.end(worker)
        return key, result


@dataclass(frozen=True, slots=True)
class WorkerInit:
    """The DataLoader's worker_init_fn; a class, so that it can be pickled."""

    gigabytes: float

    def __call__(self, worker: int) -> None:  # noqa: ARG002 - torch gives its number
        """Called by torch in the worker before it reads anything."""
        init_worker(gigabytes=self.gigabytes)


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
