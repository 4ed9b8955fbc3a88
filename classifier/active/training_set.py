"""The training set of the learner: labels of the bundle with annotations applied, and annotated images; and its head.

Cross-fitting predicts each label, and each image drawn by chance, by a head that was not fitted to it, to guarantee an
error rate.
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

    `strangers` are images drawn by chance of which no category is known: any guess is wrong. `unjudged` counts those
    that have no embedding, and randomly drawn labels that have no known category since a person corrected them.
    """

    labeled: LabeledEmbeddings
    categories: tuple[str, ...]
    strangers: LabeledEmbeddings | None = None
    unjudged: int = 0
    stats_length: float = FROZEN
    """As of the model's `CombinedHead`; of no matter where the labels have no statistics."""

    @property
    def can_guarantee(self) -> bool:
        """Whether some labels were drawn at random and the backbone was never fitted to them."""
        return Selection.RANDOM in self.labeled.selections

    @property
    def can_spread(self) -> bool:
        """Whether answers can be spread by heads of folds, however the model before was: its network saw no label."""
        return self.labeled.stats is not None and Selection.FITTED not in self.labeled.selections


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
    """Holdout predictions of what can be measured on by K-fold cross-fitting; None with too few groups.

    These are the labels, and the images drawn by chance; other annotations made in review were chosen for being hard.
    Every fold trains on them, except those that may duplicate an image held out there. Random images without a category
    in the earlier predictions `before` have no stored embedding and count as unjudged.
    """
    labeled = training_set.labeled
    has_path = np.array([bool(path) for path in labeled.paths], dtype=bool)
    is_measured = has_path | np.array([one is Selection.RANDOM for one in labeled.selections], dtype=bool)
    duplicates = _possible_duplicates(labeled, ~has_path)
    measured = np.flatnonzero(is_measured)
    groups, group_of = np.unique(labeled.groups[measured], return_inverse=True)
    if len(groups) < FOLDS:
        return None
    fold_of = np.random.default_rng(seed).permutation(len(groups))[group_of] % FOLDS
    logits = np.zeros((len(measured), len(training_set.categories)), dtype=np.float32)
    heads, learned = list[Head](), np.ones((FOLDS, len(labeled)), dtype=bool)
    for fold in range(FOLDS):
        held_out = measured[fold_of == fold]
        learned[fold, ~has_path] = ~duplicates[:, held_out].any(axis=1)
        learned[fold, held_out] = False
        heads.append(fit(replace(training_set, labeled=labeled.rows(learned[fold].tolist()))))
        stats = None if labeled.stats is None else labeled.stats[held_out]
        logits[fold_of == fold] = logits_of(heads[fold], labeled.embeddings[held_out], stats)
    judge = np.full(len(labeled), -1, dtype=np.int64)
    judge[measured] = fold_of
    combined = tuple(head for head in heads if isinstance(head, CombinedHead))
    folds = FoldHeads(heads=combined, learned=learned, judge=judge) if len(combined) == FOLDS else None
    rows = labeled.rows(is_measured.tolist())
    holdout = HoldoutPredictions(
        logits=logits,
        targets=rows.targets,
        groups=rows.groups,
        image_ids=rows.image_ids,
        paths=rows.paths,
        method=HoldoutMethod(FOLDS, answers=int((~is_measured).sum())),
        selections=rows.selections,
        unjudged=training_set.unjudged + _without_category(before),
    )
    if training_set.strangers is not None:
        holdout = _with_strangers(holdout, training_set, training_set.strangers)
    return CrossFit(holdout=holdout, folds=folds)


def _with_strangers(
    found: HoldoutPredictions, training_set: TrainingSet, strangers: LabeledEmbeddings
) -> HoldoutPredictions:
    """With the images of no category, judged by the head that sorts: it is not fitted to them."""
    stats = None if training_set.labeled.stats is None else strangers.stats
    return replace(
        found,
        logits=np.concatenate([found.logits, logits_of(fit(training_set), strangers.embeddings, stats)]),
        targets=np.concatenate([found.targets, strangers.targets]),
        groups=np.concatenate([found.groups, found.groups.max(initial=-1) + 1 + strangers.groups]),
        image_ids=found.image_ids + strangers.image_ids,
        paths=found.paths + strangers.paths,
        selections=found.selections + strangers.selections,
    )


def _without_category(before: HoldoutPredictions | None) -> int:
    """Those of no category, without what was drawn from the library: that has no path, and is drawn anew."""
    if before is None:
        return 0
    drawn = before.by_chance
    is_other = np.array([bool(path) for path in drawn.paths], dtype=bool)
    return before.unjudged + int((is_other & (drawn.targets == NO_CATEGORY)).sum())


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
