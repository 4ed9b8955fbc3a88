"""Reading and predicting with workers of one's own, for tests of what is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from classifier.inference import loader, pipeline
from classifier.inference.worker_pool import WorkerPool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from classifier.inference.device import Runtime
    from classifier.inference.loader import Batch
    from classifier.inference.pipeline import InferenceFailure, Inferred
    from classifier.inference.reader import Limits, Reader


def stream(paths: list[Path], reader: Reader, *, batch_size: int, limits: Limits, **options: Any) -> Iterator[Batch]:
    """`loader.stream` in a pool that ends with it; `options` are the pool's."""
    with WorkerPool(limits, **options) as pool:
        yield from loader.stream(paths, reader, pool, batch_size=batch_size)


def infer(
    paths: list[Path], network: Any, reader: Reader, runtime: Runtime, *, limits: Limits, stats: bool = False
) -> Iterator[Inferred | InferenceFailure]:
    """`pipeline.infer` in a pool that ends with it."""
    with WorkerPool(limits, workers=runtime.workers) as pool:
        yield from pipeline.infer(paths, network, reader, runtime, pool=pool, stats=stats)
