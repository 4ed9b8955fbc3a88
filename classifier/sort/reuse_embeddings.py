"""Stored embeddings: written while images are predicted, and reused when the bundle has another head.

Reusing them builds no network and opens no image. Embeddings that are missing or damaged are left to `predict`.
"""

# Shapes: N images, D embedding width, K categories.

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from classifier.catalog import embeddings
from classifier.catalog.connection import Catalog
from classifier.catalog.embeddings import LOOKS, RowLocation, embeddings_folder
from classifier.catalog.looks import as_rows, without_look
from classifier.catalog.predictions import add_many_logits, logits_as_bytes
from classifier.catalog.shards import EmbeddingBatch, ShardWriter, read_shard
from classifier.errors import Counted, Message, message_of
from classifier.model.bundle import Bundle
from classifier.model.combined_head import CombinedHead, Head, logits_of
from classifier.model.ood import OodDetector
from classifier.progress import Progress
from classifier.records import ImageId, ImageInfo
from classifier.settings import Settings
from classifier.sort.apply import pause_gc

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classifier.inference.pipeline import Inferred

_THREADS = 2
_MAX_PENDING_BYTES = 1 << 27
"""Logits that are held before they are recorded: those of a million images and 32 categories."""

Answer = tuple[ImageId, bytes, float | None]
"""An image, its logits as the catalog stores them, and its OOD score if the bundle has a detector."""


Locations = Mapping[str, Mapping[ImageId, RowLocation]]
"""By the name of a store, where it keeps what it has of each image."""


class EmbeddingWriter:
    """Writes the embeddings of one backbone, and looks, beside the catalog, and records where they are."""

    def __init__(self, catalog: Catalog, library: Path, backbone: str, *, progress: Progress) -> None:
        self._catalog = catalog
        self._library = library
        self._backbone = backbone
        self._progress = progress
        self._writers = {
            name: ShardWriter(library, name, last=embeddings.last_row(catalog, name)) for name in (backbone, LOOKS)
        }

    def write_inferred(self, predictions: Sequence[Inferred]) -> Locations:
        """Write what was inferred of images, each once, as `write` does."""
        by_id = {prediction.image.id: prediction for prediction in predictions}
        once = list(by_id.values())
        return self.write([prediction.image for prediction in once], _rows(once)) if once else {}

    def write(self, images: Sequence[ImageInfo], batch: EmbeddingBatch) -> Locations:
        """Write durably. On an OSError it says so and stops writing; it does not raise.

        `images`, each there once, are those of `batch`.
        """
        if not self._writers or not images:
            return {}
        looks = without_look(self._catalog, self._library, images)
        rows = {self._backbone: batch} | ({LOOKS: as_rows(looks)} if looks else {})
        try:
            located = {name: (batch.image_ids, self._writers[name].append(batch)) for name, batch in rows.items()}
        except OSError as error:
            self._writers = {}
            self._progress.say(Message("embeddings are not kept from here on: {why}", why=message_of(error)))
            return {}
        return {
            name: {image_id: location for image_id, location in zip(*found, strict=True) if location is not None}
            for name, found in located.items()
        }

    def record(self, locations: Locations) -> None:
        """Record what `write` wrote; the caller holds the transaction."""
        for name, found in locations.items():
            embeddings.add(self._catalog, found.items(), backbone=name)


def _rows(predictions: Sequence[Inferred]) -> EmbeddingBatch:
    stats = [prediction.stats for prediction in predictions if prediction.stats is not None]
    return EmbeddingBatch(
        image_ids=[prediction.image.id for prediction in predictions],
        embeddings=np.stack([prediction.embedding for prediction in predictions]),
        stats=np.stack(stats) if len(stats) == len(predictions) else np.empty((len(predictions), 0), dtype=np.float32),
    )


def open_embedding_writer(
    catalog: Catalog, library: Path, bundle: Bundle, settings: Settings, *, progress: Progress
) -> EmbeddingWriter | None:
    """None if embeddings are disabled, on a dry run, or for an older bundle without a backbone fingerprint."""
    backbone = bundle.manifest.backbone_key
    if not settings.sort.embeddings or not backbone or catalog.path is None:
        return None
    return EmbeddingWriter(catalog, library, backbone, progress=progress)


@pause_gc()
def reuse_embeddings(
    catalog: Catalog, *, run: int, crawl: Path, library: Path, bundle: Bundle, progress: Progress
) -> int:
    """Record predictions for the images of `run` whose embeddings are stored; returns how many there were."""
    backbone, model = bundle.manifest.backbone_key, bundle.manifest.key
    if not backbone:
        return 0
    shards = embeddings.without_prediction(catalog, run=run, crawl=crawl, backbone=backbone, model=model)
    if (first := next(shards, None)) is None:
        return 0
    predict = partial(
        _predict, embeddings_folder(library, backbone), head=bundle.load_head(), detector=bundle.load_ood()
    )
    recorder, wanted, pending = _Recorder(catalog, model=model), 0, deque[Future[list[Answer]]]()
    with (
        progress.stage(Message("recalling"), total=None, unit="picture") as stage,
        threadpool_limits(1),  # threads that each calculate with two more would wait for each other
        ThreadPoolExecutor(_THREADS) as threads,
    ):
        for shard, rows in chain([first], shards):
            wanted += len(rows)
            pending.append(threads.submit(predict, shard, rows))
            if len(pending) > _THREADS:
                stage.advance(recorder.add(pending.popleft().result()))
        for answers in pending:
            stage.advance(recorder.add(answers.result()))
        recorder.flush()
    _say_reused(progress, recorded=recorder.recorded, missing=wanted - recorder.recorded)
    return recorder.recorded


def _say_reused(progress: Progress, *, recorded: int, missing: int) -> None:
    if recorded:
        progress.say(
            Counted(
                "{count:,} picture is decided by what is known, not read again",
                "{count:,} pictures are decided by what is known, not read again",
                count=recorded,
            )
        )
    if missing:
        progress.say(
            Counted(
                "{count:,} picture is read again: what was kept is gone, damaged or too small",
                "{count:,} pictures are read again: what was kept is gone, damaged or too small",
                count=missing,
            )
        )


def _predict(
    folder: Path, shard: int, wanted: Sequence[tuple[int, ImageId]], *, head: Head, detector: OodDetector | None
) -> list[Answer]:
    """Logits and OOD scores of the wanted rows of a shard, without those that are damaged or too narrow."""
    answers: list[Answer] = []
    for rows in read_shard(folder, shard, wanted):
        if rows.image_ids and fits(rows, head, detector):
            logits, ood_scores = answers_of(rows, head, detector)
            answers += zip(rows.image_ids, logits_as_bytes(logits), ood_scores, strict=True)
    return answers


def answers_of(
    rows: EmbeddingBatch, head: Head, detector: OodDetector | None
) -> tuple[NDArray[np.float32], list[float | None]]:
    """Logits, float32 (N, K), and OOD scores of kept embeddings that fit."""
    ood_scores: list[float | None] = [None] * len(rows.image_ids)
    if detector is not None:
        ood_scores = detector.score(rows.stats, rows.embeddings).tolist()
    return logits_of(head, rows.embeddings, rows.stats), ood_scores


def fits(rows: EmbeddingBatch, head: Head, detector: OodDetector | None) -> bool:
    """Whether embeddings and statistics are as wide as the head and the detector take them."""
    found = rows.embeddings.shape[1], rows.stats.shape[1]
    wanted = head.widths if isinstance(head, CombinedHead) else (head.weight.shape[1], found[1])
    if found != wanted:
        return False
    return detector is None or rows.stats.shape[1] == len(detector.whitening)


class _Recorder:
    """Records predictions in few large transactions, sorted by image, so that each page is written once."""

    def __init__(self, catalog: Catalog, *, model: str) -> None:
        self._catalog = catalog
        self._model = model
        self._pending: list[Answer] = []
        self.recorded = 0

    def add(self, answers: Sequence[Answer]) -> int:
        """Hold them until there are many; returns how many these are."""
        self._pending += answers
        if answers and len(self._pending) * len(answers[0][1]) >= _MAX_PENDING_BYTES:
            self.flush()
        return len(answers)

    def flush(self) -> None:
        """Record what is held, durably."""
        self._pending.sort(key=itemgetter(0))
        with self._catalog.transaction():
            add_many_logits(self._catalog, self._pending, model=self._model)
        self.recorded += len(self._pending)
        self._pending = []
