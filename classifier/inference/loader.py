"""Reads many paths as batches of images, in order, each path exactly once, even if a file kills its worker."""

from __future__ import annotations

import os
from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from classifier.inference.reader import Read, ReadError
from classifier.inference.worker import pack, unpack
from classifier.inference.worker_pool import Plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from classifier.inference.reader import Reader
    from classifier.inference.worker import PackedBatch
    from classifier.inference.worker_pool import Paths, WorkerPool


class PackedPaths:
    """A sequence of paths in two buffers: a few dozen bytes a path, where a list of Path takes hundreds."""

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


def stream(paths: Paths, reader: Reader, pool: WorkerPool, *, batch_size: int) -> Iterator[Batch]:
    """Read all `paths`, `batch_size` at a time, in the processes of `pool`, or in this one if it has none.

    A file that kills its worker is returned as a ReadError and costs the run about a second; one that exceeds the
    deadline costs up to two deadlines, since it is tried again in isolation; one that needs too much memory costs the
    time to fill it. Without workers there is no such protection, and the pool's limits have no effect. The pool's watch
    measures how long each batch is waited for.
    """
    return pool.watch.reading(_batches(paths, reader, pool, batch_size=batch_size))


def _batches(paths: Paths, reader: Reader, pool: WorkerPool, *, batch_size: int) -> Iterator[Batch]:
    plan = Plan(paths, reader, batch_size)
    if pool.processes == 0:
        yield from _read_here(plan, pin_memory=pool.pin_memory)
        return
    for number, (packed, isolated) in enumerate(pool.read(plan)):
        yield _merged(plan.keys(number), packed, isolated)


def _read_here(plan: Plan, *, pin_memory: bool) -> Iterator[Batch]:
    for number in range(len(plan)):
        keys = plan.keys(number)
        packed = pack([(key, plan.reader.read(plan.paths[key])) for key in keys])
        yield _merged(keys, packed.pin_memory() if pin_memory else packed, {})


def _merged(keys: Sequence[int], packed: PackedBatch, isolated: dict[int, Read | ReadError]) -> Batch:
    """The batch of `keys`: what the workers read, and what was read in isolation before."""
    results = unpack(packed) | isolated
    ordered = tuple(results[key] for key in keys)
    pixels = packed.pixels
    if isolated:
        rows = [result.pixels for result in ordered if isinstance(result, Read)]
        pixels = torch.stack(rows) if rows else packed.pixels
    return Batch(keys=tuple(keys), results=ordered, pixels=pixels)
