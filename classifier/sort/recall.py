"""A new head over known embeddings: what the bundle says of pictures that its backbone has seen, without reading them.

Builds no network and opens no picture. What is not kept, or not whole any more, is left to `predict`.
"""

# Shapes: N pictures, D embedding width, K categories.

from __future__ import annotations

from contextlib import ExitStack
from operator import itemgetter
from pathlib import Path

from classifier.catalogue import embeddings, pictures
from classifier.catalogue.shards import Rows, read_shard
from classifier.catalogue.spots import folder_of
from classifier.catalogue.store import Catalogue
from classifier.model.bundle import Bundle
from classifier.model.linear import LinearHead
from classifier.model.novelty import Novelty
from classifier.progress import Progress
from classifier.records import PictureId

_MOST_NUMBERS = 1 << 25
"""Logits that wait to be recorded: 128 MB, or a million pictures of 32 categories."""


def recall(catalogue: Catalogue, *, run: int, crawl: Path, library: Path, bundle: Bundle, progress: Progress) -> int:
    """Record predictions for what `run` found in `crawl` and the store knows; returns how many there were."""
    backbone, model = bundle.manifest.backbone_key, bundle.manifest.key
    found = embeddings.unanswered(catalogue, run=run, crawl=crawl, backbone=backbone, model=model) if backbone else ()
    folder = folder_of(library, backbone)
    wanted = 0
    answers: _Answers | None = None
    with ExitStack() as stack:
        for shard, rows in found:
            if answers is None:
                stage = stack.enter_context(progress.stage("recalling", total=None, unit="picture"))
                answers = _Answers(catalogue, head=bundle.load_head(), novelty=bundle.load_novelty(), model=model)
            wanted += len(rows)
            for part in read_shard(folder, shard, rows):
                stage.advance(answers.answer(part))
        if answers is not None:
            answers.record()
    known = 0 if answers is None else answers.recorded
    missing = wanted - known
    if known:
        progress.say(f"{known:,} pictures are decided by what is known of them, without reading them again")
    if missing:
        progress.say(f"{missing:,} pictures are read again: what was kept of them is gone, damaged or too little")
    return known


class _Answers:
    """What the head says, recorded in few large transactions: in the order of pictures each page is written once."""

    def __init__(self, catalogue: Catalogue, *, head: LinearHead, novelty: Novelty | None, model: str) -> None:
        self._catalogue = catalogue
        self._head = head
        self._novelty = novelty
        self._model = model
        self._waiting: list[tuple[PictureId, bytes, float | None]] = []
        self.recorded = 0

    def answer(self, rows: Rows) -> int:
        """Answer for the pictures of these rows, if they hold what is needed; returns for how many."""
        if not rows.pictures or not self._fit(rows):
            return 0
        logits = self._head(rows.embeddings)
        unlike: list[float | None] = [None] * len(rows.pictures)
        if self._novelty is not None:
            unlike = self._novelty.score(rows.traits, rows.embeddings).tolist()
        self._waiting += zip(rows.pictures, pictures.as_bytes(logits), unlike, strict=True)
        if len(self._waiting) * logits.shape[1] >= _MOST_NUMBERS:
            self.record()
        return len(rows.pictures)

    def record(self) -> None:
        """Record what waits, durably."""
        self._waiting.sort(key=itemgetter(0))
        with self._catalogue.transaction():
            pictures.add_many_logits(self._catalogue, self._waiting, model=self._model)
        self.recorded += len(self._waiting)
        self._waiting = []

    def _fit(self, rows: Rows) -> bool:
        if rows.embeddings.shape[1] != self._head.weight.shape[1]:
            return False
        return self._novelty is None or rows.traits.shape[1] == len(self._novelty.whitening)
