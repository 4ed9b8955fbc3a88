"""A new head over known embeddings: what the bundle says of pictures that its backbone has seen, without reading them.

Builds no network and opens no picture. What is not kept, or not whole any more, is left to `predict`.
"""

# Shapes: N pictures, D embedding width, K categories.

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import chain
from operator import itemgetter
from pathlib import Path

from threadpoolctl import threadpool_limits

from classifier.catalog import embeddings
from classifier.catalog.connection import Catalog
from classifier.catalog.embeddings import embeddings_folder
from classifier.catalog.predictions import add_many_logits, logits_as_bytes
from classifier.catalog.shards import EmbeddingBatch, read_shard
from classifier.model.bundle import Bundle
from classifier.model.head import LinearHead
from classifier.model.ood import OodDetector
from classifier.progress import Progress, counted
from classifier.records import PictureId
from classifier.sort.gc_pause import uncollected

_THREADS = 2
_MOST_BYTES = 1 << 27
"""Logits that wait to be recorded: a million pictures of 32 categories."""

Answer = tuple[PictureId, bytes, float | None]
"""A picture, its logits as they are kept, and its novelty where the bundle tells."""


@uncollected()
def recall(catalog: Catalog, *, run: int, crawl: Path, library: Path, bundle: Bundle, progress: Progress) -> int:
    """Record predictions for what `run` found in `crawl` and the store knows; returns how many there were."""
    backbone, model = bundle.manifest.backbone_key, bundle.manifest.key
    if not backbone:
        return 0
    found = embeddings.unanswered(catalog, run=run, crawl=crawl, backbone=backbone, model=model)
    if (first := next(found, None)) is None:
        return 0
    says = partial(
        _answers, embeddings_folder(library, backbone), head=bundle.load_head(), novelty=bundle.load_novelty()
    )
    recorder, wanted, waiting = _Recorder(catalog, model=model), 0, deque[Future[list[Answer]]]()
    with (
        progress.stage("recalling", total=None, unit="picture") as stage,
        threadpool_limits(1),  # readers that each calculate with two threads wait for each other more than they work
        ThreadPoolExecutor(_THREADS) as threads,
    ):
        for shard, rows in chain([first], found):
            wanted += len(rows)
            waiting.append(threads.submit(says, shard, rows))
            if len(waiting) > _THREADS:
                stage.advance(recorder.take(waiting.popleft().result()))
        for answers in waiting:
            stage.advance(recorder.take(answers.result()))
        recorder.record()
    if recorder.recorded:
        progress.say(
            f"{counted(recorder.recorded, 'picture is', 'pictures are')} decided by what is known, not read again"
        )
    if missing := wanted - recorder.recorded:
        progress.say(
            f"{counted(missing, 'picture is', 'pictures are')} read again: what was kept is gone, damaged or too small"
        )
    return recorder.recorded


def _answers(
    folder: Path, shard: int, wanted: Sequence[tuple[int, PictureId]], *, head: LinearHead, novelty: OodDetector | None
) -> list[Answer]:
    """What the head says of those of a shard's pictures that are whole and hold what is needed."""
    found: list[Answer] = []
    for rows in read_shard(folder, shard, wanted):
        if not rows.pictures or not _fit(rows, head, novelty):
            continue
        unlike: list[float | None] = [None] * len(rows.pictures)
        if novelty is not None:
            unlike = novelty.score(rows.traits, rows.embeddings).tolist()
        found += zip(rows.pictures, logits_as_bytes(head(rows.embeddings)), unlike, strict=True)
    return found


def _fit(rows: EmbeddingBatch, head: LinearHead, novelty: OodDetector | None) -> bool:
    if rows.embeddings.shape[1] != head.weight.shape[1]:
        return False
    return novelty is None or rows.traits.shape[1] == len(novelty.whitening)


class _Recorder:
    """Records answers in few large transactions: in the order of pictures each page is written once."""

    def __init__(self, catalog: Catalog, *, model: str) -> None:
        self._catalog = catalog
        self._model = model
        self._waiting: list[Answer] = []
        self.recorded = 0

    def take(self, answers: Sequence[Answer]) -> int:
        """Keep them until there are many; returns how many these are."""
        self._waiting += answers
        if answers and len(self._waiting) * len(answers[0][1]) >= _MOST_BYTES:
            self.record()
        return len(answers)

    def record(self) -> None:
        """Record what waits, durably."""
        self._waiting.sort(key=itemgetter(0))
        with self._catalog.transaction():
            add_many_logits(self._catalog, self._waiting, model=self._model)
        self.recorded += len(self._waiting)
        self._waiting = []
