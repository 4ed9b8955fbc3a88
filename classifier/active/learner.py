"""One round of learning: builds labels from annotations, fits a head, predicts all that waits, and writes a ranking.

What does not change between two rounds stays in memory: the labels of the bundle, the pool, and a short form of its
embeddings.
"""

# Shapes: N pictures that wait, D embedding width, S short width, K categories.

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from classifier.active.cross_fit import can_guarantee
from classifier.active.pool import Pool, count_fileable, load_pool, pca_axes, read_pool
from classifier.active.query_strategy import cluster_ids, margin_order
from classifier.active.training_set import TrainingSet, build_training_set, fit
from classifier.catalog import annotation_log, audits, decisions, embeddings, ranking
from classifier.catalog.categories import read_aliases
from classifier.catalog.connection import read_catalog
from classifier.catalog.embeddings import embeddings_folder
from classifier.catalog.predictions import logits_as_bytes
from classifier.catalog.shards import read_embeddings
from classifier.catalog.strictness import Strictness
from classifier.decision.policy import merge_categories
from classifier.errors import ModelError
from classifier.model.bundle import open_bundle
from classifier.model.calibration import mask_ruled_out, most_likely, probabilities
from classifier.records import Action, AnnotationKind

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from classifier.catalog.connection import Catalog
    from classifier.model.head import LinearHead
    from classifier.model.ood import OodDetector
    from classifier.records import Annotation, PictureId

_SEED: Final = 0


class Learner:
    """Learns from the annotations of one library, with the model of its last sort."""

    def __init__(self, library: Path) -> None:
        """Raises ModelError when there is no model to learn with."""
        self._library = library
        with read_catalog(library) as catalog:
            _, folder, settings = audits.last_sort(catalog) or ("", None, {})
        if folder is None:
            raise ModelError("{library} was never sorted into, so there is no model to learn with", library=library)
        self.bundle = open_bundle(folder)
        labeled = self.bundle.load_labeled_embeddings()
        if labeled is None or not self.bundle.manifest.backbone_key:
            raise ModelError(
                "{folder} keeps no labeled pictures, so it learns nothing here: train it again", folder=folder
            )
        self._labeled = labeled
        self.strictness = Strictness.from_settings(settings).asked
        self._folder = embeddings_folder(library, self.bundle.manifest.backbone_key)
        self._versions: tuple[int, ...] = ()
        self._pool = Pool(shards=(), pictures=(), actions=())
        self._embeddings: dict[PictureId, NDArray[np.float32]] = {}
        self._coverage: float | None = None
        self._annotated: int | None = None

    def learn(self) -> int:
        """Run one round. Returns the number of the new ranking, which is empty when the pool is."""
        with read_catalog(self._library) as catalog:
            log = list(annotation_log.of_pictures(catalog))
            latest = annotation_log.exclude_moved(catalog, annotation_log.current(log))
            training_set = self.build_training_set(catalog, latest)
            self._refresh_pool(catalog)
            filed = decisions.count_filed(catalog)
        if not self._pool.pictures:
            return ranking.write(self._library, (), meta=self._meta(training_set, latest))
        head = fit(training_set)
        logits, probs = self._predict(head)
        left = mask_ruled_out(probs, self._pool.pictures, training_set.categories, annotation_log.ruled_out(log))
        return self._write(logits, left, training_set, latest, filed=filed)

    def build_training_set(self, catalog: Catalog, latest: dict[PictureId, Annotation]) -> TrainingSet:
        """The labels as they are now. Embeddings that were read once are kept."""
        wanted = [
            one
            for one, verdict in latest.items()
            if verdict.said is AnnotationKind.RIGHT and one not in self._embeddings
        ]
        backbone, width = self.bundle.manifest.backbone_key, self._labeled.embeddings.shape[1]
        for part in read_embeddings(catalog, self._folder, wanted, backbone=backbone):
            if part.embeddings.shape[1] == width:
                self._embeddings |= dict(zip(part.pictures, part.embeddings, strict=True))
        known = self.bundle.manifest.categories
        now = merge_categories(known, (0.0,) * len(known), read_aliases(catalog))
        labeled = replace(self._labeled, targets=now.columns[self._labeled.targets])
        return build_training_set(labeled, now.categories, latest, self._embeddings)

    def ood_detector(self, catalog: Catalog, training_set: TrainingSet) -> OodDetector | None:
        """The OOD detector of the bundle, extended by the annotated images; None in older bundles."""
        known = self.bundle.load_ood()
        if known is None:
            return None
        labeled = set(self._labeled.pictures)
        new = [picture for picture in training_set.labeled.pictures if picture not in labeled]
        kept = read_embeddings(catalog, self._folder, new, backbone=self.bundle.manifest.backbone_key)
        stats = [part.stats for part in kept if part.stats.shape[1] == len(known.whitening)]
        return known.with_more(np.concatenate(stats), training_set.labeled.embeddings) if stats else known

    def _refresh_pool(self, catalog: Catalog) -> None:
        """Read the pool again if a decision or an embedding is new."""
        backbone = self.bundle.manifest.backbone_key
        last = embeddings.last_row(catalog, backbone)
        versions = (*audits.marks(catalog), last.shard if last else 0, last.row if last else 0)
        if versions == self._versions:
            return
        self._pool, self._versions = load_pool(catalog, backbone), versions
        self._is_complete = len(self._pool) == decisions.count_waiting(catalog)
        count, width = len(self._pool), self._labeled.embeddings.shape[1]
        axes = pca_axes(self._labeled.embeddings)
        short = np.zeros((count, axes.shape[1]), dtype=np.float32)

        def shorten(numbers: NDArray[np.int64], rows: NDArray[np.float32]) -> None:
            if rows.shape[1] == width:
                short[numbers] = rows @ axes

        read_pool(self._folder, self._pool, shorten)
        self._short = short
        self._cluster_ids = cluster_ids(short, seed=_SEED)

    def _predict(self, head: LinearHead) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Logits and probabilities, float32 (N, K); uniform for what cannot be read."""
        logits = np.zeros((len(self._pool), len(head.bias)), dtype=np.float32)
        probs = np.full_like(logits, 1 / len(head.bias))
        temperature = self.bundle.manifest.temperature

        def predict(numbers: NDArray[np.int64], rows: NDArray[np.float32]) -> None:
            if rows.shape[1] == head.weight.shape[1]:
                logits[numbers] = answers = head(rows)
                probs[numbers] = probabilities(answers, temperature)

        read_pool(self._folder, self._pool, predict)
        return logits, probs

    def _write(
        self,
        logits: NDArray[np.float32],
        probs: NDArray[np.float32],
        training_set: TrainingSet,
        latest: dict[PictureId, Annotation],
        *,
        filed: int,
    ) -> int:
        best, confidences = most_likely(probs, training_set.categories)
        in_order = margin_order(self._short, probs.clip(0), seed=_SEED)
        meta = self._meta(training_set, latest) | self._round_stats(confidences, latest, training_set, filed=filed)
        if self._is_complete:
            meta["counts"] = self._counts(best)
        rows = in_order.tolist()
        columns = (
            [self._pool.pictures[row] for row in rows],
            [self._pool.actions[row] for row in rows],
            [best[row] for row in rows],
            confidences[in_order].tolist(),
            self._cluster_ids[in_order].tolist(),
            logits_as_bytes(logits[in_order]),
        )
        ranks = zip(range(len(rows)), *columns, strict=True)
        return ranking.write(self._library, ranks, meta=meta)

    def _meta(self, training_set: TrainingSet, latest: dict[PictureId, Annotation]) -> dict[str, Any]:
        asked = self._expected(training_set)
        return {
            "categories": training_set.categories,
            "temperature": self.bundle.manifest.temperature,
            "verdicts": len(latest),
            "rule": {
                "threshold": asked.threshold or self.bundle.manifest.threshold,
                "max_error": asked.max_error,
                "promised": bool(asked.guaranteed),
            },
        }

    def _expected(self, training_set: TrainingSet) -> Strictness:
        """The requested strictness, and whether a sort with this training set can probably guarantee it."""
        may = None if self.strictness.max_error is None else can_guarantee(training_set.labeled)
        return replace(self.strictness, guaranteed=may)

    def _counts(self, best: list[str]) -> dict[str, dict[str, int]]:
        found = Counter(zip(self._pool.actions, best, strict=True))
        counts: dict[str, dict[str, int]] = {Action.REVIEW.value: {}, Action.UNKNOWN.value: {}}
        for (action, category), count in found.most_common():
            counts[action][category] = count
        return counts

    def _round_stats(
        self,
        confidences: NDArray[np.floating],
        latest: dict[PictureId, Annotation],
        training_set: TrainingSet,
        *,
        filed: int,
    ) -> dict[str, Any]:
        """What this round changed, for the status line of the page."""
        open_ = np.array(
            [
                action == Action.REVIEW and (one not in latest or latest[one].said is AnnotationKind.SKIPPED)
                for one, action in zip(self._pool.pictures, self._pool.actions, strict=True)
            ]
        )
        settled = sum(latest[one].said is AnnotationKind.RIGHT for one in self._pool.pictures if one in latest)
        expected = self._expected(training_set)
        could = count_fileable(confidences[open_], expected, default=self.bundle.manifest.threshold)
        share = (filed + settled + could) / max(filed + len(confidences), 1)
        stats = {
            "new": 0 if self._annotated is None else len(latest) - self._annotated,
            "share": [share if self._coverage is None else self._coverage, share],
            "fileable": could,
        }
        self._coverage, self._annotated = share, len(latest)
        return stats
