"""Labeled images as the network sees them."""

# Shapes: N images, D embedding width, T statistics.

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from classifier.inference.pipeline import InferenceFailure, infer
from classifier.records import Example, Failure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classifier.errors import Message
    from classifier.inference.device import Runtime
    from classifier.inference.reader import Reader
    from classifier.inference.worker_pool import WorkerPool
    from classifier.model.backbone import Network
    from classifier.progress import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """`embeddings` is float32 (N, D), a row for each of `examples`; `unread` are the others, with the reason.

    `stats`, float32 (N, T), are the input of OOD detection.
    """

    examples: tuple[Example, ...]
    embeddings: NDArray[np.float32]
    stats: NDArray[np.float32]
    unread: tuple[tuple[Example, Failure], ...]

    def of(self, part: Sequence[Example]) -> Features:
        """The same of those in `part` alone, which keeps the order of all."""
        wanted = {example.image_id for example in part}
        rows = [row for row, example in enumerate(self.examples) if example.image_id in wanted]
        unread = tuple((example, failure) for example, failure in self.unread if example.image_id in wanted)
        return Features(
            examples=tuple(self.examples[row] for row in rows),
            embeddings=self.embeddings[rows],
            stats=self.stats[rows],
            unread=unread,
        )


def embed_examples(
    examples: Sequence[Example],
    *,
    network: Network,
    reader: Reader,
    pool: WorkerPool,
    runtime: Runtime,
    progress: Progress,
    stage: Message,
) -> Features:
    """Embed each example once, in order. `network` is in evaluation mode on the runtime's device."""
    paths = [example.label.path for example in examples]
    embedded: list[Example] = []
    rows: list[tuple[NDArray[np.float32], NDArray[np.float32]]] = []
    unread: list[tuple[Example, Failure]] = []
    with progress.stage(stage, total=len(paths), unit="picture") as under_way:
        for outcome in infer(paths, network, reader, runtime, pool=pool, stats=True, progress=progress):
            under_way.advance()
            example = examples[outcome.key]
            if isinstance(outcome, InferenceFailure):
                unread.append((example, outcome.failure))
            elif outcome.stats is not None:
                embedded.append(example)
                rows.append((outcome.embedding, outcome.stats))
    nothing = np.empty((0, 0), dtype=np.float32)
    embeddings, stats = (np.stack(column) for column in zip(*rows, strict=True)) if rows else (nothing, nothing)
    return Features(examples=tuple(embedded), embeddings=embeddings, stats=stats, unread=tuple(unread))
