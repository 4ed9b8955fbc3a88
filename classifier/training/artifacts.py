"""What training produces besides the weights: held-out predictions, OOD detector, label issues, learning curve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from classifier.errors import Message
from classifier.labels.random_draw import Drawn
from classifier.model.bundle import BundleParts
from classifier.model.combined_head import CombinedHead
from classifier.model.fold_heads import FoldHeads
from classifier.model.holdout import NO_CATEGORY, HoldoutMethod, HoldoutPredictions
from classifier.model.labeled_embeddings import LabeledEmbeddings
from classifier.model.ood import fit_ood
from classifier.paths import to_text
from classifier.records import Example, Selection
from classifier.training import label_issues, learning_curve
from classifier.training.context import TrainingContext
from classifier.training.features import Features
from classifier.training.metrics import as_dict
from classifier.training.train import Trained

_NOTHING = Features(examples=(), embeddings=np.empty((0, 0), np.float32), stats=np.empty((0, 0), np.float32), unread=())
_PICKED = frozenset({Selection.MODEL, Selection.GRID, Selection.FILED})
"""Selections by what a model made of an image."""
_FEW_PARTS = 5
"""The curve's own folds where training had only one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingArtifacts:
    """`parts` for the bundle, `figures` for its evaluation.json."""

    parts: BundleParts
    figures: dict[str, Any]


def collect_artifacts(
    run: TrainingContext, trained: Trained, groups: dict[Example, int], sample: Drawn, *, parts: int
) -> TrainingArtifacts:
    """Collect them after training; `groups` maps examples to near-duplicate groups, `parts` is the number of folds.

    `sample` are all labels, with those randomly drawn that are of no category.
    """
    held_out = _evidence(run, trained, groups, parts=parts)
    figures = as_dict(trained.evaluation) | {"frozen": as_dict(trained.frozen), "epoch": trained.epoch}
    labeled = trained.embedded
    novelty = fit_ood(
        labeled.stats,
        labeled.embeddings,
        run.targets(labeled.examples),
        _numbers(labeled.examples, groups),
        picked_N=np.array([example.label.selection in _PICKED for example in labeled.examples], dtype=bool),
    )
    return TrainingArtifacts(
        parts=BundleParts(
            holdout=_with_the_rest_of_the_draw(held_out, run, sample, groups, head=trained.head, parts=parts),
            ood=novelty,
            head=trained.head,
            folds=_folds(trained),
            labeled=LabeledEmbeddings(
                embeddings=labeled.embeddings,
                targets=run.targets(labeled.examples),
                groups=_numbers(labeled.examples, groups),
                image_ids=tuple(example.image_id for example in labeled.examples),
                paths=_paths(labeled.examples),
                selections=_selections(labeled.examples, fitted=trained.epoch > 0),
                stats=labeled.stats,
            ),
        ),
        figures=figures | _ahead(run, trained, held_out, groups, parts=parts),
    )


def _folds(trained: Trained) -> FoldHeads | None:
    """The heads of the folds; None where their networks were fine-tuned, or have learned from these labels before."""
    examples, judged = trained.embedded.examples, trained.judged
    was_fitted = any(example.label.selection is Selection.FITTED for example in examples)
    if trained.epoch or was_fitted or not judged.heads:
        return None
    judges = dict(zip((example.image_id for example in judged.examples), judged.judge.tolist(), strict=True))
    judge = np.array([judges.get(example.image_id, -1) for example in examples], dtype=np.int64)
    learned = judge[None] != np.arange(len(judged.heads))[:, None]
    return FoldHeads(heads=judged.heads, learned=learned, judge=judge)


def _evidence(run: TrainingContext, trained: Trained, groups: dict[Example, int], *, parts: int) -> HoldoutPredictions:
    judged = trained.judged
    return HoldoutPredictions(
        logits=judged.logits,
        targets=run.targets(judged.examples),
        groups=_numbers(judged.examples, groups),
        image_ids=tuple(example.image_id for example in judged.examples),
        paths=_paths(judged.examples),
        method=HoldoutMethod(parts),
        selections=_selections(judged.examples),
    )


def _with_the_rest_of_the_draw(
    held_out: HoldoutPredictions,
    run: TrainingContext,
    sample: Drawn,
    groups: dict[Example, int],
    *,
    head: CombinedHead,
    parts: int,
) -> HoldoutPredictions:
    """The evidence with the drawn images that are of no category, judged by the finished model: it never saw them.

    What is of a category but was held out nowhere (with several parts: a category that is one group) has no prediction,
    and so has what is missing: they are unjudged.
    """
    others = _NOTHING
    if sample.without_category:
        others = run.embed(sample.without_category, Message("embedding what is of no category"))
    logits = [head(others.embeddings, others.stats)] if others.examples else []
    judged = set(held_out.image_ids)
    left = [one for one in sample.examples if one.image_id not in judged] if parts > 1 else []
    unjudged = sum(one.label.selection is Selection.RANDOM for one in left) + sample.missing + len(others.unread)
    numbers = max(groups.values(), default=-1) + 1 + np.arange(len(others.examples))
    return HoldoutPredictions(
        logits=np.concatenate([held_out.logits, *logits]),
        targets=np.concatenate([held_out.targets, np.full(len(others.examples), NO_CATEGORY, dtype=np.int64)]),
        groups=np.concatenate([held_out.groups, numbers]),
        image_ids=held_out.image_ids + tuple(example.image_id for example in others.examples),
        paths=held_out.paths + _paths(others.examples),
        method=held_out.method,
        selections=held_out.selections + _selections(others.examples),
        unjudged=unjudged,
    )


def _selections(examples: tuple[Example, ...], *, fitted: bool = False) -> tuple[Selection, ...]:
    """How each was selected; `fitted` when the network has learned from all of them."""
    return tuple(Selection.FITTED if fitted else example.label.selection for example in examples)


def _ahead(
    run: TrainingContext, trained: Trained, held_out: HoldoutPredictions, groups: dict[Example, int], *, parts: int
) -> dict[str, Any]:
    """Label issues and the learning curve."""
    found = label_issues.find_label_issues(
        held_out.logits,
        held_out.targets,
        categories=run.categories,
        paths=[example.label.path.absolute() for example in trained.judged.examples],
        image_ids=held_out.image_ids,
    )
    # Features that never saw a label grow with labels as they should; the evidence sets their level.
    features = trained.frozen_features
    growth = learning_curve.learning_curve(
        features.embeddings,
        run.targets(features.examples),
        _numbers(features.examples, groups),
        categories=run.categories,
        measured=held_out,
        folds=parts if parts > 1 else _FEW_PARTS,
        seed=run.recipe.seed,
    )
    return {"doubts": label_issues.as_dict(found), "curve": None if growth is None else learning_curve.as_dict(growth)}


def _paths(examples: tuple[Example, ...]) -> tuple[str, ...]:
    """Absolute: they are looked for from elsewhere later."""
    return tuple(to_text(example.label.path.absolute()) for example in examples)


def _numbers(examples: tuple[Example, ...], groups: dict[Example, int]) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.array([groups[example] for example in examples], dtype=np.int64)
