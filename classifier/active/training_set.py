"""The training set of the learner: labels of the bundle with annotations applied, and annotated images; and its head.

Cross-fitting predicts each label by a head that was not fitted to it, to guarantee an error rate.
"""

# Shapes: N images to learn from, A of them annotated without being labels, D embedding width.

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from classifier.model.combined_head import FROZEN, CombinedHead, Head, fit_combined_head, logits_of
from classifier.model.fold_heads import FoldHeads
from classifier.model.head import LinearHead, fit_head, l2_normalize
from classifier.model.holdout import NO_CATEGORY, HoldoutMethod, HoldoutPredictions
from classifier.model.labeled_embeddings import LabeledEmbeddings
from classifier.records import AnnotationKind, Selection

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from classifier.records import Annotation, ImageId

Row: TypeAlias = "tuple[NDArray[np.float32], NDArray[np.float32]]"
"""The embedding of an image, (D,), and its statistics, (T,)."""

MIN_LABELS: Final = 3
"""Labels that a category needs to be added to those of a model."""
_NEVER: Final = 30.0
FOLDS: Final = 5
_DUPLICATE: Final = 0.95
"""Cosine of embeddings from which on two images may be near-duplicates; most such are not (docs/LOG.md)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSet:
    """`labeled` refers to `categories` by index: those of the model first, in its order, then new ones.

    `unjudged` counts randomly drawn labels that have no known category since a person corrected them.
    """

    labeled: LabeledEmbeddings
    categories: tuple[str, ...]
    unjudged: int = 0
    stats_length: float = FROZEN
    """As of the model's `CombinedHead`; of no matter where the labels have no statistics."""

    @property
    def can_guarantee(self) -> bool:
        """Whether some labels were drawn at random and the backbone was never fitted to them."""
        return Selection.RANDOM in self.labeled.selections


def build_training_set(
    labeled: LabeledEmbeddings,
    categories: Sequence[str],
    latest: Mapping[ImageId, Annotation],
    rows: Mapping[ImageId, Row],
    *,
    min_labels: int = MIN_LABELS,
) -> TrainingSet:
    """Apply the `latest` annotations to the labels, and add other images that are annotated with a category.

    A labeled image stays in the set with its corrected category: left out, its mistake would not be counted by whoever
    measures with these labels. `rows` are those of annotated images; an image without one is not added. A
    category that the model does not have needs `min_labels`.
    """
    current = [
        _current_label(categories[truth], latest.get(image_id))
        for image_id, truth in zip(labeled.image_ids, labeled.targets, strict=True)
    ]
    labels = set(labeled.image_ids)
    added = {
        image_id: str(annotation.category)
        for image_id, annotation in latest.items()
        if annotation.kind is AnnotationKind.RIGHT
        and annotation.category
        and image_id in rows
        and image_id not in labels
    }
    counts = Counter([*added.values(), *(name for name in current if name)])
    new = sorted(name for name, count in counts.items() if name not in categories and count >= min_labels)
    number_of = {name: number for number, name in enumerate((*categories, *new))}
    is_kept = [name in number_of for name in current]
    kept = labeled.rows(is_kept)
    image_ids = [image_id for image_id, name in added.items() if name in number_of]
    names = (*current, *(added[image_id] for image_id in image_ids))
    first_group = int(labeled.groups.max(initial=-1)) + 1
    return TrainingSet(
        labeled=LabeledEmbeddings(
            embeddings=_with_rows(kept.embeddings, [rows[one][0] for one in image_ids]),
            stats=None if kept.stats is None else _with_rows(kept.stats, [rows[one][1] for one in image_ids]),
            targets=np.array([number_of[name] for name in names if name in number_of], dtype=np.int64),
            groups=np.concatenate([kept.groups, first_group + np.arange(len(image_ids), dtype=np.int64)]),
            image_ids=(*kept.image_ids, *image_ids),
            paths=(*kept.paths, *("" for _ in image_ids)),
            selections=(*kept.selections, *(latest[one].selection or Selection.PERSON for one in image_ids)),
        ),
        categories=tuple(number_of),
        unjudged=sum(one is Selection.RANDOM for one in labeled.selections)
        - sum(one is Selection.RANDOM for one in kept.selections),
    )


def _with_rows(table: NDArray[np.float32], rows: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.concatenate([table, *(row[None] for row in rows)])


def fit(training_set: TrainingSet) -> Head:
    """Fit a head for all categories, one that takes statistics too where the labels have them.

    A category without images is never predicted.
    """
    labeled = training_set.labeled
    if labeled.stats is None:
        return fit_last_layer(training_set)
    present, targets = np.unique(labeled.targets, return_inverse=True)
    head = fit_combined_head(labeled.embeddings, labeled.stats, targets, stats_length=training_set.stats_length)
    return replace(head, linear=_for_all(head.linear, present, count=len(training_set.categories)))


def fit_last_layer(training_set: TrainingSet) -> LinearHead:
    """As `fit`, on embeddings alone, as the network's last layer takes them."""
    present, targets = np.unique(training_set.labeled.targets, return_inverse=True)
    head = fit_head(training_set.labeled.embeddings, targets)
    return _for_all(head, present, count=len(training_set.categories))


def _for_all(head: LinearHead, present: NDArray[np.int64], *, count: int) -> LinearHead:
    """The head of the categories `present`, widened to all."""
    weight = np.zeros((count, head.weight.shape[1]), dtype=np.float32)
    bias = np.full(count, float(head.bias.min()) - _NEVER, dtype=np.float32)
    weight[present], bias[present] = head.weight, head.bias
    return LinearHead(weight=weight, bias=bias)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CrossFit:
    """The holdout predictions of the labels, and the heads that they are by; none where labels have no statistics."""

    holdout: HoldoutPredictions
    folds: FoldHeads | None


def cross_fit(training_set: TrainingSet, *, before: HoldoutPredictions | None = None, seed: int = 0) -> CrossFit | None:
    """Holdout predictions of the labels by K-fold cross-fitting; None with too few groups.

    Annotations made in review were chosen for being hard, so they are not measured. Every fold trains on them, except
    those that may duplicate an image held out there. Random images without a category in the earlier predictions
    `before` have no stored embedding and count as unjudged.
    """
    labeled = training_set.labeled
    is_label = np.array([bool(path) for path in labeled.paths], dtype=bool)
    duplicates = _possible_duplicates(labeled, ~is_label)
    labels = np.flatnonzero(is_label)
    groups, group_of = np.unique(labeled.groups[labels], return_inverse=True)
    if len(groups) < FOLDS:
        return None
    fold_of = np.random.default_rng(seed).permutation(len(groups))[group_of] % FOLDS
    logits = np.zeros((len(labels), len(training_set.categories)), dtype=np.float32)
    heads, learned = list[Head](), np.ones((FOLDS, len(labeled)), dtype=bool)
    for fold in range(FOLDS):
        held_out = labels[fold_of == fold]
        learned[fold, held_out] = False
        learned[fold, ~is_label] = ~duplicates[:, held_out].any(axis=1)
        heads.append(fit(replace(training_set, labeled=labeled.rows(learned[fold].tolist()))))
        stats = None if labeled.stats is None else labeled.stats[held_out]
        logits[fold_of == fold] = logits_of(heads[fold], labeled.embeddings[held_out], stats)
    judge = np.full(len(labeled), -1, dtype=np.int64)
    judge[labels] = fold_of
    combined = tuple(head for head in heads if isinstance(head, CombinedHead))
    folds = FoldHeads(heads=combined, learned=learned, judge=judge) if len(combined) == FOLDS else None
    measured = labeled.rows(is_label.tolist())
    holdout = HoldoutPredictions(
        logits=logits,
        targets=measured.targets,
        groups=measured.groups,
        image_ids=measured.image_ids,
        paths=measured.paths,
        method=HoldoutMethod(FOLDS, answers=int((~is_label).sum())),
        selections=measured.selections,
        unjudged=training_set.unjudged + _without_category(before),
    )
    return CrossFit(holdout=holdout, folds=folds)


def _without_category(before: HoldoutPredictions | None) -> int:
    if before is None:
        return 0
    return before.unjudged + int((before.by_chance.targets == NO_CATEGORY).sum())


def _possible_duplicates(labeled: LabeledEmbeddings, is_annotated: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which annotated images may duplicate which images, bool (A, N)."""
    unit = l2_normalize(labeled.embeddings)
    similar: NDArray[np.bool_] = unit[is_annotated] @ unit.T >= _DUPLICATE
    return similar


def _current_label(label: str, annotation: Annotation | None) -> str | None:
    """The category of a labeled image after its annotation; None if unknown or none."""
    if annotation is None or annotation.kind is AnnotationKind.SKIPPED:
        return label
    if annotation.kind is AnnotationKind.WRONG:
        return label if annotation.category != label else None
    return annotation.category if annotation.kind is AnnotationKind.RIGHT else None
