"""Reads many paths as batches of images, in order, each path exactly once, even if a file kills its worker."""

from __future__ import annotations

import multiprocessing
import os
from array import array
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from torch import Tensor

from classifier.inference.isolated_read import read_isolated
from classifier.inference.reader import Read, ReadError
from classifier.inference.worker import pack, unpack
from classifier.inference.worker_pool import WorkerPool, WorkersLostError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from classifier.inference.reader import Limits, Reader
    from classifier.inference.worker import PackedBatch

_MAX_FAILED_POOLS: Final = 3
"""Worker pools that may be lost one after another without a file to blame."""


class PackedPaths:
    """A sequence of paths in two buffers, which forked workers share: unlike a list's, its reading copies no memory."""

    def __init__(self, paths: Iterable[Path]) -> None:
        content = bytearray()
        ends = array("Q", [0])
        for path in paths:
            content += os.fsencode(path)
            ends.append(len(content))
        self._content: NDArray[np.uint8] = np.frombuffer(bytes(content), dtype=np.uint8)
        self._ends: NDArray[np.uint64] = np.array(ends, dtype=np.uint64)

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, index: int) -> Path:
        if not 0 <= index < len(self):
            raise IndexError(index)
        start, end = int(self._ends[index]), int(self._ends[index + 1])
        return Path(os.fsdecode(self._content[start:end].tobytes()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Consecutive keys (indices of the paths) and what reading each gave.

    `pixels` is uint8 (images read, 3, H, W): a row for each Read among `results`, in their order; their own pixels are
    views of it. With no Read it is empty.
    """

    keys: tuple[int, ...]
    results: tuple[Read | ReadError, ...]
    pixels: Tensor


@dataclass(frozen=True, slots=True)
class _Plan:
    """The batch sampler: the keys of each batch from `start` on, without those already read."""

    start: int
    total: int
    batch_size: int
    done: frozenset[int]

    def __iter__(self) -> Iterator[list[int]]:
        for first in range(self.start, self.total, self.batch_size):
            keys = range(first, min(first + self.batch_size, self.total))
            yield [key for key in keys if key not in self.done]


def stream(
    paths: Sequence[Path] | PackedPaths,
    reader: Reader,
    *,
    limits: Limits,
    workers: int,
    batch_size: int,
    pin_memory: bool = False,
    start_method: str | None = None,
) -> Iterator[Batch]:
    """Read all `paths`, `batch_size` at a time, in `workers` processes, or in this one if that is 0.

    A file that kills its worker is returned as a ReadError and costs the run about a second; one that exceeds the
    deadline costs up to two deadlines, since it is tried again in isolation; one that needs too much memory costs the
    time to fill it. Without workers there is no such protection, and `limits` have no effect. `start_method` is
    multiprocessing's.
    """
    if workers == 0:
        yield from _read_here(paths, reader, batch_size=batch_size, pin_memory=pin_memory)
        return
    packed_paths = paths if isinstance(paths, PackedPaths) else PackedPaths(paths)
    start_pool = partial(
        WorkerPool,
        packed_paths,
        reader,
        limits=limits,
        workers=workers,
        pin_memory=pin_memory,
        context=multiprocessing.get_context(start_method),
    )
    done: dict[int, Read | ReadError] = {}
    start, failed_pools = 0, 0
    while start < len(packed_paths):
        suspects: list[int] = []
        with closing(start_pool(_Plan(start, len(packed_paths), batch_size, frozenset(done)))) as pool:
            try:
                for packed in pool:
                    keys = range(start, min(start + batch_size, len(packed_paths)))
                    start, failed_pools = keys.stop, 0
                    yield _merged(keys, packed, done)
            except WorkersLostError as lost:
                suspects = [key for key in lost.keys if key >= start and key not in done]
        failed_pools += not suspects
        if failed_pools > _MAX_FAILED_POOLS:
            raise RuntimeError(f"the reading processes end again and again without reading, at {packed_paths[start]}")
        done |= read_isolated([(key, packed_paths[key]) for key in suspects], reader, limits=limits)


def _read_here(
    paths: Sequence[Path] | PackedPaths, reader: Reader, *, batch_size: int, pin_memory: bool
) -> Iterator[Batch]:
    for keys in _Plan(0, len(paths), batch_size, frozenset()):
        packed = pack([(key, reader.read(paths[key])) for key in keys])
        yield _merged(keys, packed.pin_memory() if pin_memory else packed, {})


def _merged(keys: Sequence[int], packed: PackedBatch, done: dict[int, Read | ReadError]) -> Batch:
    """The batch of `keys`: what the workers read, and what was read in isolation before."""
    results = unpack(packed)
    isolated = [key for key in keys if key in done]
    results.update({key: done.pop(key) for key in isolated})
    ordered = tuple(results[key] for key in keys)
    pixels = packed.pixels
    if isolated:
        rows = [result.pixels for result in ordered if isinstance(result, Read)]
        pixels = torch.stack(rows) if rows else packed.pixels
    return Batch(keys=tuple(keys), results=ordered, pixels=pixels)
