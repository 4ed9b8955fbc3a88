"""Decodes images in workers and runs the network on them: embeddings and logits, or a failure each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifier.inference.forward import TorchEngine, outputs_of
from classifier.inference.loader import stream
from classifier.inference.reader import ReadError
from classifier.inference.worker_pool import WorkerPool

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from classifier.inference.device import Runtime
    from classifier.inference.forward import Engine, Network
    from classifier.inference.reader import Limits, Reader
    from classifier.inference.worker_pool import Paths
    from classifier.progress import Progress
    from classifier.records import Failure, ImageFile, ImageId, ImageInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Inferred:
    """The network's output for one image: `embedding` is float32 (D,), `logits` float32 (K,).

    `key` is the index of its path; `file` is as it was opened, so it belongs to `image`. `stats` is float32 (T,),
    None unless requested.
    """

    key: int
    file: ImageFile
    image: ImageInfo
    embedding: NDArray[np.float32]
    logits: NDArray[np.float32]
    stats: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceFailure:
    """An image that could not be read, as in `ReadError`, with its key."""

    key: int
    file: ImageFile | None
    id: ImageId | None
    failure: Failure


def open_pool(runtime: Runtime, limits: Limits, progress: Progress) -> WorkerPool:
    """The workers that read images on this machine, to be closed when the command ends."""
    is_pinned = runtime.device.type == "cuda"
    return WorkerPool(limits, workers=runtime.workers, pin_memory=is_pinned, say=progress.say)


def infer(
    paths: Paths,
    network: Network,
    reader: Reader,
    runtime: Runtime,
    *,
    pool: WorkerPool,
    stats: bool = False,
    progress: Progress | None = None,
) -> Iterator[Inferred | InferenceFailure]:
    """One result for each path, in their order, by torch; see `loader.stream` for what a harmful file costs."""
    engine = TorchEngine(network, runtime, stats=stats, progress=progress)
    return infer_with(engine, paths, reader, runtime, pool=pool)


def infer_with(
    engine: Engine,
    paths: Paths,
    reader: Reader,
    runtime: Runtime,
    *,
    pool: WorkerPool,
) -> Iterator[Inferred | InferenceFailure]:
    """As `infer`, by any engine."""
    batches = stream(paths, reader, pool, batch_size=runtime.batch_size)
    for batch, outputs in outputs_of(batches, engine):
        rows = iter(zip(*outputs, strict=True))
        for key, result in zip(batch.keys, batch.results, strict=True):
            if isinstance(result, ReadError):
                yield InferenceFailure(key=key, file=result.file, id=result.id, failure=result.failure)
                continue
            # Copies, so that keeping one image's output does not keep its whole batch.
            embedding, logits, *described = (row.copy() for row in next(rows))
            yield Inferred(
                key=key,
                file=result.file,
                image=result.image,
                embedding=embedding,
                logits=logits,
                stats=described[0] if described else None,
            )
