"""What refitted heads say of labels that they were not fitted to, so that an error rate can be promised anew."""

# Shapes: N labelled pictures, K categories.

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from classifier.active.training_set import TrainingSet, fit
from classifier.model.head import directions
from classifier.model.holdout import NO_CATEGORY, HoldoutPredictions
from classifier.model.labeled_embeddings import LabeledEmbeddings
from classifier.records import Selection

if TYPE_CHECKING:
    from numpy.typing import NDArray

PARTS: Final = 5
_ALIKE: Final = 0.95
"""Cosine of embeddings from which on two pictures may repeat each other; most such do not (docs/LOG.md)."""


def can_promise(labelled: LabeledEmbeddings) -> bool:
    """Whether labels were drawn by chance and the backbone was never fitted to them: those judge a refitted head."""
    return Selection.RANDOM in labelled.selections


def cross_fitted(
    learned: TrainingSet, *, before: HoldoutPredictions | None = None, seed: int = 0
) -> HoldoutPredictions | None:
    """The labels judged by heads of the other parts; None when there are too few to part.

    What a person said in review was chosen for being hard, so it judges nothing. It is learned from in every part, but
    for what may repeat a picture that is judged there. Of the pictures drawn by chance that had no category in the
    evidence `before`, no embedding is kept, so they count as unjudged.
    """
    repeats = _repeats(learned.labelled)
    labels = np.array([bool(path) for path in learned.labelled.paths], dtype=bool)
    rows = np.flatnonzero(labels)
    every, group_of = np.unique(learned.labelled.groups[rows], return_inverse=True)
    if len(every) < PARTS:
        return None
    parts = np.random.default_rng(seed).permutation(len(every))[group_of] % PARTS
    logits = np.zeros((len(rows), len(learned.categories)), dtype=np.float32)
    for part in range(PARTS):
        held_out = np.flatnonzero(parts == part)
        kept = np.ones(len(labels), dtype=bool)
        kept[rows[held_out]] = False
        kept[~labels] = ~repeats[:, rows[held_out]].any(axis=1)
        head = fit(replace(learned, labelled=_part(learned.labelled, kept)))
        logits[held_out] = head(learned.labelled.embeddings[rows[held_out]])
    judged = _part(learned.labelled, labels)
    words = int((~labels).sum())
    return HoldoutPredictions(
        logits=logits,
        truths=judged.truths,
        groups=judged.groups,
        pictures=judged.pictures,
        paths=judged.paths,
        how=f"cross-fitted in {PARTS} parts, with {words} verdicts beside them",
        selections=judged.selections,
        unjudged=learned.unjudged + _without_category(before),
    )


def _without_category(before: HoldoutPredictions | None) -> int:
    if before is None:
        return 0
    return before.unjudged + int((before.by_chance.truths == NO_CATEGORY).sum())


def _repeats(labelled: LabeledEmbeddings) -> NDArray[np.bool_]:
    """Which verdicts, in their order, may repeat which pictures of all, (V, N)."""
    every = directions(labelled.embeddings)
    is_verdict = np.array([not path for path in labelled.paths], dtype=bool)
    repeats: NDArray[np.bool_] = every[is_verdict] @ every.T >= _ALIKE
    return repeats


def _part(labelled: LabeledEmbeddings, kept: NDArray[np.bool_]) -> LabeledEmbeddings:
    rows = np.flatnonzero(kept)
    return LabeledEmbeddings(
        embeddings=labelled.embeddings[rows],
        truths=labelled.truths[rows],
        groups=labelled.groups[rows],
        pictures=tuple(labelled.pictures[row] for row in rows),
        paths=tuple(labelled.paths[row] for row in rows),
        selections=tuple(labelled.selections[row] for row in rows),
    )
