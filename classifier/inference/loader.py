"""Many paths to batches of pictures, in order, each path exactly once, whatever a file does to its reader.

Must not know devices or models.
"""

from __future__ import annotations

import multiprocessing
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor

from classifier.inference.isolated_read import read_alone
from classifier.inference.path_array import PackedPaths
from classifier.inference.reader import Read, ReadError
from classifier.inference.worker import pack, unpack
from classifier.inference.worker_pool import WorkerPool, WorkersLostError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from classifier.inference.limits import Limits
    from classifier.inference.reader import Reader
    from classifier.inference.worker import PackedBatch

_MOST_FRUITLESS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Consecutive keys (indices of the paths given) and what reading each gave.

    `pixels` is uint8 (pictures read, 3, H, W): a row for each Read among `outcomes`, in their order; their own pixels
    are views of it. With no Read it is empty.
    """

    keys: tuple[int, ...]
    outcomes: tuple[Read | ReadError, ...]
    pixels: Tensor


@dataclass(frozen=True, slots=True)
class _Plan:
    """The keys of each batch from `start` on, without those that are settled already."""

    start: int
    total: int
    batch_size: int
    settled: frozenset[int]

    def __iter__(self) -> Iterator[list[int]]:
        for first in range(self.start, self.total, self.batch_size):
            keys = range(first, min(first + self.batch_size, self.total))
            yield [key for key in keys if key not in self.settled]


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
    """Read all `paths`, `batch_size` at a time, in `workers` processes, or here when that is 0.

    A file that kills its worker comes back as an Unread that says so, and costs the run about a second; one that keeps
    it beyond the deadline costs up to two deadlines, since it gets a second try alone; one that wants too much memory
    costs the time to fill it. Without workers there is no such protection, and `limits` mean nothing. `start_method`
    is multiprocessing's.
    """
    if workers == 0:
        yield from _read_here(paths, reader, batch_size=batch_size, pin_memory=pin_memory)
        return
    shelf = paths if isinstance(paths, PackedPaths) else PackedPaths(paths)
    hire = partial(
        WorkerPool,
        shelf,
        reader,
        limits=limits,
        workers=workers,
        pin_memory=pin_memory,
        context=multiprocessing.get_context(start_method),
    )
    settled: dict[int, Read | ReadError] = {}
    start, fruitless = 0, 0
    while start < len(shelf):
        suspects: list[int] = []
        with closing(hire(_Plan(start, len(shelf), batch_size, frozenset(settled)))) as crew:
            try:
                for packed in crew:
                    keys = range(start, min(start + batch_size, len(shelf)))
                    start, fruitless = keys.stop, 0
                    yield _merged(keys, packed, settled)
            except WorkersLostError as lost:
                suspects = [key for key in lost.keys if key >= start and key not in settled]
        fruitless += not suspects
        if fruitless > _MOST_FRUITLESS:
            raise RuntimeError(f"the reading processes end again and again without reading, at {shelf[start]}")
        settled |= read_alone([(key, shelf[key]) for key in suspects], reader, limits=limits)


def _read_here(
    paths: Sequence[Path] | PackedPaths, reader: Reader, *, batch_size: int, pin_memory: bool
) -> Iterator[Batch]:
    for keys in _Plan(0, len(paths), batch_size, frozenset()):
        packed = pack([(key, reader.read(paths[key])) for key in keys])
        yield _merged(keys, packed.pin_memory() if pin_memory else packed, {})


def _merged(keys: Sequence[int], packed: PackedBatch, settled: dict[int, Read | ReadError]) -> Batch:
    """The batch of `keys`: what the workers delivered, and what had to be read alone before."""
    outcomes = unpack(packed)
    alone = [key for key in keys if key in settled]
    outcomes.update({key: settled.pop(key) for key in alone})
    ordered = tuple(outcomes[key] for key in keys)
    pixels = packed.pixels
    if alone:
        rows = [outcome.pixels for outcome in ordered if isinstance(outcome, Read)]
        pixels = torch.stack(rows) if rows else packed.pixels
    return Batch(keys=tuple(keys), outcomes=ordered, pixels=pixels)
