"""One round of learning: words become labels, a head is fitted, all that waits is guessed at, ranked and written down.

What does not change between two rounds stays in memory: the bundle's labels, what waits, and a short form of each.
"""

# Shapes: N pictures that wait, D embedding width, S short width, K categories.

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from classifier.active.coverage_estimate import fileable
from classifier.active.cross_fit import can_promise
from classifier.active.pool import Pool, read_pool, shortener, waiting_pool
from classifier.active.query_strategy import looks, order
from classifier.active.training_set import TrainingSet, fit, lessons
from classifier.catalog import annotation_log, audits, decisions, embeddings, ranking
from classifier.catalog.categories import read_names
from classifier.catalog.connection import read_catalog
from classifier.catalog.embeddings import embeddings_folder
from classifier.catalog.predictions import logits_as_bytes
from classifier.catalog.shards import read_embeddings
from classifier.catalog.strictness import Strictness
from classifier.decision.policy import merge_categories
from classifier.errors import ModelError
from classifier.model.bundle import open_bundle
from classifier.model.calibration import likeliest, possible, probabilities
from classifier.records import Action, AnnotationKind

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from classifier.catalog.connection import Catalog
    from classifier.model.head import LinearHead
    from classifier.model.ood import OodDetector
    from classifier.records import Annotation, PictureId

_SEED: Final = 0
_WAIT: Final = """
SELECT count(*) FROM decisions AS d CROSS JOIN places ON places.picture = d.picture
WHERE d.action IN ('review', 'unknown')
"""


class Learner:
    """Learns from the words that were said in one library, by the model that it was last sorted with."""

    def __init__(self, library: Path) -> None:
        """Raises ModelError in one line when there is nothing to learn by."""
        self._library = library
        with read_catalog(library) as catalog:
            _, folder, settings = audits.last_sort(catalog) or ("", None, {})
        if folder is None:
            raise ModelError(f"{library} was never sorted into, so there is no model to learn with")
        self.bundle = open_bundle(folder)
        labelled = self.bundle.load_labelled()
        if labelled is None or not self.bundle.manifest.backbone_key:
            raise ModelError(f"{folder} keeps no labelled pictures, so it learns nothing here: train it again")
        self._labelled = labelled
        self.strictness = Strictness.recorded(settings).asked
        self._folder = embeddings_folder(library, self.bundle.manifest.backbone_key)
        self._marks: tuple[int, ...] = ()
        self._pool = Pool(shards=(), pictures=(), actions=())
        self._seen: dict[PictureId, NDArray[np.float32]] = {}
        self._share: float | None = None
        self._said: int | None = None

    def learn(self) -> int:
        """One round; the number of the outlook that was written, which is empty when nothing waits that is known."""
        with read_catalog(self._library) as catalog:
            words = list(annotation_log.of_pictures(catalog))
            said = annotation_log.unmoved(catalog, annotation_log.holding(words))
            learned = self.lessons(catalog, said)
            self._look(catalog)
            filed = decisions.count_filed(catalog)
        if not self._pool.pictures:
            return ranking.write(self._library, (), meta=self._meta(learned, said))
        head = fit(learned)
        logits, shares = self._guess(head)
        left = possible(shares, self._pool.pictures, learned.categories, annotation_log.ruled_out(words))
        return self._write(logits, left, learned, said, filed=filed)

    def lessons(self, catalog: Catalog, said: dict[PictureId, Annotation]) -> TrainingSet:
        """What there is to learn from by now; what was read once of a picture is kept."""
        wanted = [
            one for one, verdict in said.items() if verdict.said is AnnotationKind.RIGHT and one not in self._seen
        ]
        backbone, width = self.bundle.manifest.backbone_key, self._labelled.embeddings.shape[1]
        for part in read_embeddings(catalog, self._folder, wanted, backbone=backbone):
            if part.embeddings.shape[1] == width:
                self._seen |= dict(zip(part.pictures, part.embeddings, strict=True))
        known = self.bundle.manifest.categories
        now = merge_categories(known, (0.0,) * len(known), read_names(catalog))
        labelled = replace(self._labelled, truths=now.columns[self._labelled.truths])
        return lessons(labelled, now.categories, said, self._seen)

    def novelty(self, catalog: Catalog, learned: TrainingSet) -> OodDetector | None:
        """What tells the unknown, with what a person put into a category since no longer unlike all that is labelled.

        None when nothing tells it.
        """
        known = self.bundle.load_novelty()
        if known is None:
            return None
        labelled = set(self._labelled.pictures)
        new = [picture for picture in learned.labelled.pictures if picture not in labelled]
        kept = read_embeddings(catalog, self._folder, new, backbone=self.bundle.manifest.backbone_key)
        traits = [part.traits for part in kept if part.traits.shape[1] == len(known.whitening)]
        return known.with_more(np.concatenate(traits), learned.labelled.embeddings) if traits else known

    def _look(self, catalog: Catalog) -> None:
        """Know what waits, read anew only when something was decided, or more is known."""
        backbone = self.bundle.manifest.backbone_key
        last = embeddings.last_spot(catalog, backbone)
        marks = (*audits.marks(catalog), last.shard if last else 0, last.row if last else 0)
        if marks == self._marks:
            return
        self._pool, self._marks = waiting_pool(catalog, backbone), marks
        self._knows_all = len(self._pool) == _count_waiting(catalog)
        count, width = len(self._pool), self._labelled.embeddings.shape[1]
        axes = shortener(self._labelled.embeddings)
        short = np.zeros((count, axes.shape[1]), dtype=np.float32)

        def shorten(numbers: NDArray[np.int64], rows: NDArray[np.float32]) -> None:
            if rows.shape[1] == width:
                short[numbers] = rows @ axes

        read_pool(self._folder, self._pool, shorten)
        self._short = short
        self._looks = looks(short, seed=_SEED)

    def _guess(self, head: LinearHead) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Logits and probabilities, float32 (N, K); of what cannot be read any more, nothing is known."""
        logits = np.zeros((len(self._pool), len(head.bias)), dtype=np.float32)
        shares = np.full_like(logits, 1 / len(head.bias))
        temperature = self.bundle.manifest.temperature

        def guess(numbers: NDArray[np.int64], rows: NDArray[np.float32]) -> None:
            if rows.shape[1] == head.weight.shape[1]:
                logits[numbers] = answers = head(rows)
                shares[numbers] = probabilities(answers, temperature)

        read_pool(self._folder, self._pool, guess)
        return logits, shares

    def _write(
        self,
        logits: NDArray[np.float32],
        shares: NDArray[np.float32],
        learned: TrainingSet,
        said: dict[PictureId, Annotation],
        *,
        filed: int,
    ) -> int:
        best, confidences = likeliest(shares, learned.categories)
        in_order = order(self._short, shares.clip(0), seed=_SEED)
        meta = self._meta(learned, said) | self._told(confidences, said, learned, filed=filed)
        if self._knows_all:
            meta["counts"] = self._counts(best)
        rows = in_order.tolist()
        columns = (
            [self._pool.pictures[row] for row in rows],
            [self._pool.actions[row] for row in rows],
            [best[row] for row in rows],
            confidences[in_order].tolist(),
            self._looks[in_order].tolist(),
            logits_as_bytes(logits[in_order]),
        )
        ranks = zip(range(len(rows)), *columns, strict=True)
        return ranking.write(self._library, ranks, meta=meta)

    def _meta(self, learned: TrainingSet, said: dict[PictureId, Annotation]) -> dict[str, Any]:
        asked = self._expected(learned)
        return {
            "categories": learned.categories,
            "temperature": self.bundle.manifest.temperature,
            "verdicts": len(said),
            "rule": {
                "threshold": asked.threshold or self.bundle.manifest.threshold,
                "max_error": asked.max_error,
                "promised": bool(asked.guaranteed),
            },
        }

    def _expected(self, learned: TrainingSet) -> Strictness:
        """What was asked for, and whether a sort by what was learned may well guarantee it."""
        may = None if self.strictness.max_error is None else can_promise(learned.labelled)
        return replace(self.strictness, guaranteed=may)

    def _counts(self, best: list[str]) -> dict[str, dict[str, int]]:
        found = Counter(zip(self._pool.actions, best, strict=True))
        trays: dict[str, dict[str, int]] = {Action.REVIEW.value: {}, Action.UNKNOWN.value: {}}
        for (action, category), count in found.most_common():
            trays[action][category] = count
        return trays

    def _told(
        self, confidences: NDArray[np.floating], said: dict[PictureId, Annotation], learned: TrainingSet, *, filed: int
    ) -> dict[str, Any]:
        """What this round changed, for the line on the page."""
        open_ = np.array(
            [
                action == Action.REVIEW and (one not in said or said[one].said is AnnotationKind.SKIPPED)
                for one, action in zip(self._pool.pictures, self._pool.actions, strict=True)
            ]
        )
        settled = sum(said[one].said is AnnotationKind.RIGHT for one in self._pool.pictures if one in said)
        expected = self._expected(learned)
        could = fileable(confidences[open_], expected, default=self.bundle.manifest.threshold)
        share = (filed + settled + could) / max(filed + len(confidences), 1)
        told = {
            "new": 0 if self._said is None else len(said) - self._said,
            "share": [share if self._share is None else self._share, share],
            "fileable": could,
        }
        self._share, self._said = share, len(said)
        return told


def _count_waiting(catalog: Catalog) -> int:
    (count,) = catalog.connection.execute(_WAIT).fetchone()
    return int(count)
