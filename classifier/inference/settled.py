"""Has torch give the same bits for the same images on every machine of one kind, however many cores it has.

A network's last bits depend on how many images are computed together and on how many threads compute them
(docs/BENCHMARKS.md), and on a GPU on which algorithms were the fastest when they were tried.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import torch
from threadpoolctl import threadpool_limits

from classifier.inference.device import cores, runtime_from_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.inference.device import Runtime
    from classifier.settings import RuntimeSettings


class Machine(NamedTuple):
    """What of a machine decides the bits: `device` is its kind, `batch_size` how many images are read together."""

    device: str
    dtype: str
    batch_size: int


def machine_of(runtime: Runtime) -> Machine:
    """The machine that a runtime is of."""
    return Machine(runtime.device.type, str(runtime.dtype).removeprefix("torch."), runtime.batch_size)


@contextmanager
def same_bits() -> Iterator[None]:
    """Compute by one thread, and on a GPU by algorithms that are neither tried out nor in doubt.

    Enter it after the network was placed on its device, which chooses otherwise. It holds for the whole process.
    """
    cudnn, threads = torch.backends.cudnn, torch.get_num_threads()
    before = cudnn.benchmark, cudnn.deterministic
    torch.set_num_threads(1)
    cudnn.benchmark, cudnn.deterministic = False, True
    try:
        with threadpool_limits(1, user_api="blas"):
            yield
    finally:
        torch.set_num_threads(threads)
        cudnn.benchmark, cudnn.deterministic = before


def settled_runtime(settings: RuntimeSettings, *, number: int = 0, of: int = 1) -> Runtime:
    """How the process `number` of `of` equal ones on a machine runs its network: on one device, on its share of cores.

    Images are read together in batches of the same size everywhere, by one other process at least: in this one no
    deadline would hold, and a picture that takes its decoder down would end it.
    """
    runtime = runtime_from_settings(settings, training=False)
    workers = max(1, runtime.workers)
    if settings.workers < 0 and of > 1:
        workers = min(workers, max(1, cores() // of - 1))
    return replace(runtime, device=runtime.devices[number % len(runtime.devices)], others=(), workers=workers)
