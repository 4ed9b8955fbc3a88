"""What training tells beside the weights: evidence for promises, what is unknown, doubtful labels, the curve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from classifier.learn import curve, doubts
from classifier.learn.evaluate import as_dict
from classifier.learn.head import STRENGTH
from classifier.learn.run import Run
from classifier.learn.train import Trained
from classifier.model.evidence import Evidence
from classifier.model.labelled import Labelled
from classifier.model.novelty import Novelty, fit_novelty
from classifier.paths import to_text
from classifier.records import Example

_FEW_PARTS = 5
"""The curve's own folds where training had only one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """`evidence`, `novelty` and `labelled` for the bundle, and `figures` for its evaluation.json."""

    evidence: Evidence
    novelty: Novelty
    labelled: Labelled
    figures: dict[str, Any]


def account(run: Run, trained: Trained, groups: dict[Example, int], *, parts: int) -> Account:
    """Tell of a finished training; `groups` has the number of each example's near-duplicates, `parts` the folds."""
    evidence = _evidence(run, trained, groups, parts=parts)
    figures = as_dict(trained.evaluation) | {"frozen": as_dict(trained.frozen), "epoch": trained.epoch}
    labelled = trained.embedded
    novelty = fit_novelty(
        labelled.traits,
        labelled.embeddings,
        run.targets(labelled.examples),
        _numbers(labelled.examples, groups),
    )
    return Account(
        evidence=evidence,
        novelty=novelty,
        labelled=Labelled(
            embeddings=labelled.embeddings,
            truths=run.targets(labelled.examples),
            groups=_numbers(labelled.examples, groups),
            pictures=tuple(example.picture for example in labelled.examples),
            paths=_paths(labelled.examples),
        ),
        figures=figures | _ahead(run, trained, evidence, groups, parts=parts),
    )


def _evidence(run: Run, trained: Trained, groups: dict[Example, int], *, parts: int) -> Evidence:
    judged = trained.judged
    return Evidence(
        logits=judged.logits,
        truths=run.targets(judged.examples),
        groups=_numbers(judged.examples, groups),
        pictures=tuple(example.picture for example in judged.examples),
        paths=_paths(judged.examples),
        how="held out" if parts == 1 else f"cross-fitted in {parts} parts",
    )


def _ahead(run: Run, trained: Trained, evidence: Evidence, groups: dict[Example, int], *, parts: int) -> dict[str, Any]:
    """Which labels to look at again, and where the next ones pay."""
    found = doubts.doubts(
        evidence.logits,
        evidence.truths,
        categories=run.categories,
        paths=[example.label.path.absolute() for example in trained.judged.examples],
        pictures=evidence.pictures,
    )
    # Features that never saw a label grow with labels as they should; the evidence sets their level.
    features = trained.frozen_features
    growth = curve.learning_curve(
        features.embeddings,
        run.targets(features.examples),
        _numbers(features.examples, groups),
        categories=run.categories,
        measured=evidence,
        strength=STRENGTH,
        folds=parts if parts > 1 else _FEW_PARTS,
        saw_labels=False,
        seed=run.recipe.seed,
    )
    return {"doubts": doubts.as_dict(found), "curve": None if growth is None else curve.as_dict(growth)}


def _paths(examples: tuple[Example, ...]) -> tuple[str, ...]:
    """Absolute: they are looked for from elsewhere later."""
    return tuple(to_text(example.label.path.absolute()) for example in examples)


def _numbers(examples: tuple[Example, ...], groups: dict[Example, int]) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.array([groups[example] for example in examples], dtype=np.int64)
