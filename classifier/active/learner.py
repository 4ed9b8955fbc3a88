"""The learner: fits a head to annotations, predicts the pool, and writes a ranking, one round at a time.

It starts warm, with the model of the last sort and its labels, and asks first about what it is least certain of; or
cold, in a sample that no model has sorted, from annotations alone, and keeps the order of the sample's clusters.
"""

# Shapes: N images of the pool, S short width, K categories.

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from classifier.active.drawn import drawn_sample, labels_without_drawn, with_drawn, without_drawn
from classifier.active.pool import load_pool
from classifier.active.query_strategy import cluster, has_labeled_neighbors, margin_order
from classifier.active.sample import KIND
from classifier.active.training_set import MIN_LABELS, Row, TrainingSet, build_training_set, fit
from classifier.active.unknown import detector_after_answers
from classifier.catalog import annotation_log, audits, decisions, embeddings, ranking, runs
from classifier.catalog.categories import read_aliases
from classifier.catalog.connection import read_catalog
from classifier.catalog.embeddings import embeddings_folder
from classifier.catalog.predictions import logits_as_bytes
from classifier.catalog.shards import read_embeddings
from classifier.catalog.strictness import Strictness
from classifier.decision.policy import count_fileable, merge_categories
from classifier.errors import ModelError
from classifier.model.bundle import open_bundle
from classifier.model.calibration import mask_ruled_out, most_likely, probabilities
from classifier.model.combined_head import logits_of
from classifier.model.head import fit_pca
from classifier.model.labeled_embeddings import no_labels
from classifier.records import Action, AnnotationKind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from classifier.catalog.connection import Catalog
    from classifier.model.bundle import Bundle
    from classifier.model.labeled_embeddings import LabeledEmbeddings
    from classifier.model.ood import OodDetector
    from classifier.records import Annotation, ImageId

_SEED: Final = 0
_MIN_LABELS_COLD: Final = 5
"""Labels that a category needs before it is predicted, where there is no model."""
_SHORT: Final = 64
"""Width of the short vectors of what waits, which may be hundreds of thousands of images."""
_PCA_IMAGES: Final = 4096


class Learner:
    """Learns from the annotations of one library. What does not change between two rounds stays in memory."""

    def __init__(self, library: Path) -> None:
        """Raises ModelError when there is neither a model nor a sample to learn with."""
        self._library = library
        with read_catalog(library) as catalog:
            _, folder, settings = audits.last_sort(catalog) or ("", None, {})
            self._bundle = None if folder is None else open_bundle(folder)
            self._head = None if self._bundle is None else self._bundle.load_combined_head()
            self._backbone, self._labeled = self._backbone_and_labels(catalog)
        self._folder = embeddings_folder(library, self._backbone)
        self._width = self._labeled.embeddings.shape[1]
        self._stats = 0 if self._labeled.stats is None else self._labeled.stats.shape[1]
        self.strictness = Strictness.from_settings(settings).requested
        self._versions: tuple[int, ...] = ()
        self._rows: dict[ImageId, Row] = {}
        self._coverage: float | None = None
        self._annotated: int | None = None

    @property
    def bundle(self) -> Bundle:
        """The model of the last sort. Raises ModelError where there is none."""
        if self._bundle is None:
            raise ModelError(
                "{library} was never sorted into, so there is no model to learn with", library=self._library
            )
        return self._bundle

    def learn(self) -> int:
        """Run one round. Returns the number of the new ranking; 0 while fewer than two categories have labels."""
        with read_catalog(self._library) as catalog:
            log = list(annotation_log.of_images(catalog))
            latest = annotation_log.exclude_moved(catalog, annotation_log.current(log))
            training_set = self.build_training_set(catalog, latest)
            steering = self._training_set(catalog, without_drawn(latest), labels_without_drawn(catalog, self._labeled))
            if len(steering.categories) < 2:  # noqa: PLR2004 - one alone is nothing to tell apart
                return 0
            self._refresh_pool(catalog)
            filed = decisions.count_filed(catalog)
        temperature = 1.0 if self._bundle is None else self._bundle.manifest.temperature
        head = fit(steering)
        logits = self._pool.map_rows(
            lambda rows: logits_of(head, rows.embeddings, rows.stats), width=self._width, stats=self._stats
        )
        probs = mask_ruled_out(
            probabilities(logits, temperature).astype(np.float32),
            self._pool.image_ids,
            steering.categories,
            annotation_log.ruled_out(log),
        )
        best, confidences = most_likely(probs, steering.categories)
        meta = {"categories": steering.categories, "temperature": temperature, "verdicts": len(latest)}
        if self._bundle is None:
            meta |= {ranking.CLUSTER_NAMES: self._cluster_names}
            is_near = has_labeled_neighbors(self._short, self._pool_labels(steering), probs.argmax(axis=1))
            return self._write(self._order, best, confidences, logits, meta, is_shown=is_near)
        meta |= {"rule": self._rule(training_set)}
        if self._pool.image_ids:
            meta |= self._round_stats(confidences, latest, training_set, filed=filed)
        if self._pool.image_ids and self._is_complete:
            meta |= {"counts": self._counts(best)}
        order = margin_order(self._short, probs.clip(0), seed=_SEED)
        return self._write(order, best, confidences, logits, meta)

    def build_training_set(self, catalog: Catalog, latest: dict[ImageId, Annotation]) -> TrainingSet:
        """The labels as they are now. Rows that were read once are kept."""
        return self._training_set(catalog, latest, self._labeled)

    def _training_set(
        self, catalog: Catalog, latest: dict[ImageId, Annotation], labeled: LabeledEmbeddings
    ) -> TrainingSet:
        drawn = drawn_sample(catalog, self._library, None if self._bundle is None else self._labeled)
        named = {image_id for image_id, annotation in latest.items() if annotation.kind is AnnotationKind.RIGHT}
        wanted = sorted((named | drawn) - self._rows.keys())
        for part in read_embeddings(catalog, self._folder, wanted, backbone=self._backbone):
            if part.embeddings.shape[1] == self._width and (not self._stats or part.stats.shape[1] == self._stats):
                rows = zip(part.embeddings, part.stats, strict=True)
                self._rows |= dict(zip(part.image_ids, rows, strict=True))
        known = () if self._bundle is None else self._bundle.manifest.categories
        now = merge_categories(known, (0.0,) * len(known), read_aliases(catalog))
        labeled = replace(labeled, targets=now.columns[labeled.targets])
        min_labels = _MIN_LABELS_COLD if self._bundle is None else MIN_LABELS
        found = build_training_set(labeled, now.categories, latest, self._rows, min_labels=min_labels)
        found = with_drawn(found, labeled, drawn, self._rows)
        return found if self._head is None else replace(found, stats_length=self._head.stats_length)

    def ood_detector(
        self, catalog: Catalog, training_set: TrainingSet, latest: dict[ImageId, Annotation], *, share: float
    ) -> OodDetector | None:
        """The OOD detector of the bundle after the `latest` annotations; None in older bundles.

        `share` is that of the threshold for unknown.
        """
        return detector_after_answers(
            catalog,
            self._folder,
            self.bundle,
            labeled=training_set.labeled,
            before=set(self._labeled.image_ids),
            latest=latest,
            share=share,
        )

    def _backbone_and_labels(self, catalog: Catalog) -> tuple[str, LabeledEmbeddings]:
        """The backbone and the labels of the model; of a sample its backbone, and no labels."""
        if self._bundle is None:
            backbone = runs.last_settings(catalog, KIND).get("backbone") or self.bundle.manifest.backbone_key
            image_ids = list(ranking.read_clusters(catalog).positions)
            folder = embeddings_folder(self._library, backbone)
            stored = read_embeddings(catalog, folder, image_ids, backbone=backbone)
            return backbone, no_labels(next((part.embeddings.shape[1] for part in stored), 0))
        backbone, labeled = self._bundle.manifest.backbone_key, self._bundle.load_labeled_embeddings()
        if labeled is None or not backbone:
            raise ModelError(
                "{folder} keeps no labeled pictures, so it learns nothing here: train it again",
                folder=self._bundle.folder,
            )
        return backbone, labeled

    def _refresh_pool(self, catalog: Catalog) -> None:
        """Read the pool again if a decision or an embedding is new."""
        last = embeddings.last_row(catalog, self._backbone)
        versions = (*audits.marks(catalog), last.shard if last else 0, last.row if last else 0)
        if versions == self._versions:
            return
        self._versions = versions
        if self._bundle is None:
            self._load_sample(catalog)
            return
        self._pool = load_pool(catalog, self._folder, backbone=self._backbone)
        self._is_complete = len(self._pool) == decisions.count_waiting(catalog)
        project = fit_pca(self._labeled.embeddings[:_PCA_IMAGES], width=_SHORT)
        self._short = self._pool.map(project, width=self._width)
        self._cluster_ids = cluster(self._short, size=60, most=500, seed=_SEED).similar_adjacent().ids

    def _load_sample(self, catalog: Catalog) -> None:
        """The pool of a sample: all that its ranking has, in the order and the clusters that it has them."""
        clusters = ranking.read_clusters(catalog)
        positions, self._cluster_names = clusters.positions, clusters.names
        self._pool = load_pool(catalog, self._folder, backbone=self._backbone, wanted=positions)
        embeddings_ND = self._pool.map(lambda rows: rows, width=self._width)
        self._short = fit_pca(embeddings_ND)(embeddings_ND)
        places = np.array([positions[image_id] for image_id in self._pool.image_ids], dtype=np.int64).reshape(-1, 2)
        self._order, self._cluster_ids = np.argsort(places[:, 0]), places[:, 1]

    def _pool_labels(self, training_set: TrainingSet) -> NDArray[np.int64]:
        """The category number of each image of the pool, (N,), -1 for those that are not labeled."""
        numbers = dict(zip(training_set.labeled.image_ids, training_set.labeled.targets.tolist(), strict=True))
        return np.array([numbers.get(image_id, -1) for image_id in self._pool.image_ids], dtype=np.int64)

    def _write(
        self,
        order: NDArray[np.int64],
        best: list[str],
        confidences: NDArray[np.floating],
        logits: NDArray[np.float32],
        meta: dict[str, Any],
        *,
        is_shown: NDArray[np.bool_] | None = None,
    ) -> int:
        """Write the ranking; where not `is_shown`, without a prediction."""
        stored: list[bytes | None] = list(logits_as_bytes(logits))
        for row in () if is_shown is None else np.flatnonzero(~is_shown):
            best[row], confidences[row], stored[row] = "", 0, None
        rows = order.tolist()
        columns = (
            [self._pool.image_ids[row] for row in rows],
            [self._pool.actions[row] for row in rows],
            [best[row] for row in rows],
            confidences[order].tolist(),
            self._cluster_ids[order].tolist(),
            [stored[row] for row in rows],
        )
        return ranking.write(self._library, zip(range(len(rows)), *columns, strict=True), meta=meta)

    def _rule(self, training_set: TrainingSet) -> dict[str, Any]:
        expected = self._expected(training_set)
        return {
            "threshold": expected.threshold or self.bundle.manifest.threshold,
            "max_error": expected.max_error,
            "promised": bool(expected.guaranteed),
        }

    def _expected(self, training_set: TrainingSet) -> Strictness:
        """The requested strictness, and whether a sort with this training set can probably guarantee it."""
        can = None if self.strictness.max_error is None else training_set.can_guarantee
        return replace(self.strictness, guaranteed=can)

    def _counts(self, best: Sequence[str]) -> dict[str, dict[str, int]]:
        counts: dict[str, dict[str, int]] = {Action.REVIEW.value: {}, Action.UNKNOWN.value: {}}
        for (action, category), count in Counter(zip(self._pool.actions, best, strict=True)).most_common():
            counts[action][category] = count
        return counts

    def _round_stats(
        self,
        confidences: NDArray[np.floating],
        latest: dict[ImageId, Annotation],
        training_set: TrainingSet,
        *,
        filed: int,
    ) -> dict[str, Any]:
        """What this round changed, for the status line of the page."""
        is_open = np.array(
            [
                action == Action.REVIEW and (image_id not in latest or latest[image_id].kind is AnnotationKind.SKIPPED)
                for image_id, action in zip(self._pool.image_ids, self._pool.actions, strict=True)
            ]
        )
        confirmed = sum(latest[one].kind is AnnotationKind.RIGHT for one in self._pool.image_ids if one in latest)
        expected = self._expected(training_set)
        fileable = count_fileable(confidences[is_open], expected, default=self.bundle.manifest.threshold)
        coverage = (filed + confirmed + fileable) / max(filed + len(confidences), 1)
        stats = {
            "new": 0 if self._annotated is None else len(latest) - self._annotated,
            "share": [coverage if self._coverage is None else self._coverage, coverage],
            "fileable": fileable,
        }
        self._coverage, self._annotated = coverage, len(latest)
        return stats
