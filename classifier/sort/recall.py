"""A new head over known embeddings: what the bundle says of pictures that its backbone has seen, without reading them.

Builds no network and opens no picture. What is not kept, or not whole any more, is left to `predict`.
"""

# Shapes: N pictures, D embedding width, K categories.

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from classifier.catalogue import embeddings, pictures
from classifier.catalogue.shards import Rows, folder_of, read_shard
from classifier.catalogue.store import Catalogue
from classifier.model.bundle import Bundle
from classifier.model.linear import LinearHead
from classifier.model.novelty import Novelty
from classifier.progress import Progress
from classifier.records import PictureId


def recall(catalogue: Catalogue, *, run: int, crawl: Path, library: Path, bundle: Bundle, progress: Progress) -> int:
    """Record predictions for what `run` found in `crawl` and the store knows; returns how many there were."""
    backbone, model = bundle.manifest.backbone_key, bundle.manifest.key
    known = missing = 0
    answers: _Answers | None = None
    found = embeddings.unanswered(catalogue, run=run, crawl=crawl, backbone=backbone, model=model) if backbone else ()
    with ExitStack() as stack:
        for shard, wanted in found:
            if answers is None:
                answers = _Answers(head=bundle.load_head(), novelty=bundle.load_novelty(), model=model)
                stage = stack.enter_context(progress.stage("recalling", total=None, unit="picture"))
            answered = _recall_shard(catalogue, folder_of(library, backbone), shard, wanted, answers)
            known, missing = known + answered, missing + len(wanted) - answered
            stage.advance(answered)
    if known:
        progress.say(f"{known:,} pictures are decided by what is known of them, without reading them again")
    if missing:
        progress.say(f"{missing:,} pictures are read again: what was kept of them is gone, damaged or too little")
    return known


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answers:
    head: LinearHead
    novelty: Novelty | None
    model: str

    def fit(self, rows: Rows) -> bool:
        """Whether the rows hold all that is needed, as wide as it is needed."""
        if rows.embeddings.shape[1] != self.head.weight.shape[1]:
            return False
        return self.novelty is None or rows.traits.shape[1] == len(self.novelty.whitening)


def _recall_shard(
    catalogue: Catalogue, folder: Path, shard: int, wanted: Sequence[tuple[int, PictureId]], answers: _Answers
) -> int:
    """One transaction; how many of `wanted` were answered for."""
    count = 0
    with catalogue.transaction():
        for rows in read_shard(folder, shard, wanted):
            if not rows.pictures or not answers.fit(rows):
                continue
            unlike = [None] * len(rows.pictures) if answers.novelty is None else answers.novelty.score(rows.traits)
            pictures.add_many_logits(
                catalogue,
                rows.pictures,
                model=answers.model,
                logits=answers.head(rows.embeddings),
                novelty=unlike if isinstance(unlike, list) else unlike.tolist(),
            )
            count += len(rows.pictures)
    return count
