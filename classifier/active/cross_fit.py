"""Cross-fitting: predicts each label by a head that was not fitted to it, to guarantee an error rate."""

# Shapes: N labeled pictures, K categories.

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from classifier.active.training_set import TrainingSet, fit
from classifier.model.head import l2_normalize
from classifier.model.holdout import NO_CATEGORY, HoldoutPredictions
from classifier.model.labeled_embeddings import LabeledEmbeddings
from classifier.records import Selection

if TYPE_CHECKING:
    from numpy.typing import NDArray

PARTS: Final = 5
_ALIKE: Final = 0.95
"""Cosine of embeddings from which on two pictures may repeat each other; most such do not (docs/LOG.md)."""


def can_guarantee(labeled: LabeledEmbeddings) -> bool:
    """Whether some labels were drawn at random and the backbone was never fitted to them."""
    return Selection.RANDOM in labeled.selections


def cross_fit(
    training_set: TrainingSet, *, before: HoldoutPredictions | None = None, seed: int = 0
) -> HoldoutPredictions | None:
    """Holdout predictions of the labels by K-fold cross-fitting; None with too few groups.

    Annotations made in review were chosen for being hard, so they are not measured. Every fold trains on them, except
    those that may duplicate an image held out there. Random images without a category in the earlier predictions
    `before` have no stored embedding and count as unjudged.
    """
    repeats = _repeats(training_set.labeled)
    labels = np.array([bool(path) for path in training_set.labeled.paths], dtype=bool)
    rows = np.flatnonzero(labels)
    every, group_of = np.unique(training_set.labeled.groups[rows], return_inverse=True)
    if len(every) < PARTS:
        return None
    parts = np.random.default_rng(seed).permutation(len(every))[group_of] % PARTS
    logits = np.zeros((len(rows), len(training_set.categories)), dtype=np.float32)
    for part in range(PARTS):
        held_out = np.flatnonzero(parts == part)
        kept = np.ones(len(labels), dtype=bool)
        kept[rows[held_out]] = False
        kept[~labels] = ~repeats[:, rows[held_out]].any(axis=1)
        head = fit(replace(training_set, labeled=_part(training_set.labeled, kept)))
        logits[held_out] = head(training_set.labeled.embeddings[rows[held_out]])
    judged = _part(training_set.labeled, labels)
    annotated = int((~labels).sum())
    return HoldoutPredictions(
        logits=logits,
        targets=judged.targets,
        groups=judged.groups,
        pictures=judged.pictures,
        paths=judged.paths,
        how=f"cross-fitted in {PARTS} parts, with {annotated} verdicts beside them",
        selections=judged.selections,
        unjudged=training_set.unjudged + _without_category(before),
    )


def _without_category(before: HoldoutPredictions | None) -> int:
    if before is None:
        return 0
    return before.unjudged + int((before.by_chance.targets == NO_CATEGORY).sum())


def _repeats(labeled: LabeledEmbeddings) -> NDArray[np.bool_]:
    """Which annotated images may duplicate which images, bool (V, N)."""
    every = l2_normalize(labeled.embeddings)
    is_verdict = np.array([not path for path in labeled.paths], dtype=bool)
    repeats: NDArray[np.bool_] = every[is_verdict] @ every.T >= _ALIKE
    return repeats


def _part(labeled: LabeledEmbeddings, kept: NDArray[np.bool_]) -> LabeledEmbeddings:
    rows = np.flatnonzero(kept)
    return LabeledEmbeddings(
        embeddings=labeled.embeddings[rows],
        targets=labeled.targets[rows],
        groups=labeled.groups[rows],
        pictures=tuple(labeled.pictures[row] for row in rows),
        paths=tuple(labeled.paths[row] for row in rows),
        selections=tuple(labeled.selections[row] for row in rows),
    )
