"""Held-out logits of heads fitted to growing subsets of the labels."""

# Shapes: N labeled images, D embedding width, R rotated width, K categories.

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from sklearn.linear_model import LogisticRegression

from classifier.model.head import feature_scale, fit_quietly

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WIDEST: Final = 256
_MOST_ITERATIONS: Final = 60
_ABSENT: Final = -1e4
"""The logit of a category that there was nothing to learn of."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SubsetScores:
    """What heads that learned from `labels` labels (the mean of the folds) say: `logits` float32 (N, K)."""

    labels: float
    logits: NDArray[np.float32]


def standardize_pca(embeddings_ND: NDArray[np.float32]) -> NDArray[np.float32]:
    """The embeddings as a head sees them, standardized, in as few dimensions as hold nearly all of them, (N, R).

    The penalty of a head does not see rotations, so leaving out directions without variance changes nothing but the
    time that it takes.
    """
    embeddings = embeddings_ND.astype(np.float64)
    standard = (embeddings - embeddings.mean(axis=0)) / feature_scale(embeddings)
    if min(standard.shape) <= _WIDEST and standard.shape[1] <= _WIDEST:
        return np.asarray(standard, dtype=np.float32)
    is_wide = standard.shape[1] > standard.shape[0]
    products = standard @ standard.T if is_wide else standard.T @ standard
    values, vectors = np.linalg.eigh(products)
    values, vectors = values[::-1][:_WIDEST], vectors[:, ::-1][:, :_WIDEST]
    rotated = vectors * np.sqrt(np.maximum(values, 0)) if is_wide else standard @ vectors
    return np.asarray(rotated, dtype=np.float32)


def fit_subsets(
    features_NR: NDArray[np.float32],
    targets_N: NDArray[np.int64],
    groups_N: NDArray[np.int64],
    *,
    categories: int,
    shares: tuple[float, ...],
    folds: int,
    strength: float,
    seed: int,
) -> Iterator[SubsetScores]:
    """For each of `shares`, what heads that learned from so much of the other folds say of each fold.

    Images of one group are held out together, and drawn together; a smaller share lies within a larger one.
    `strength` is the inverse of the head's regularization.
    """
    fold_N, order_N = _dealt(targets_N, groups_N, folds=folds, seed=seed)
    for share in shares:
        logits = np.empty((len(targets_N), categories), dtype=np.float32)
        learned = 0
        for fold in range(folds):
            rows = np.flatnonzero((fold_N != fold) & (order_N < share))
            held_out = fold_N == fold
            logits[held_out] = _answers(
                features_NR[rows], targets_N[rows], features_NR[held_out], categories=categories, strength=strength
            )
            learned += len(rows)
        yield SubsetScores(labels=learned / folds, logits=logits)


def _dealt(
    targets_N: NDArray[np.int64], groups_N: NDArray[np.int64], *, folds: int, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The fold of each row, and its place 0..1 in the order in which rows of its category and fold are drawn."""
    draws = np.random.default_rng(seed)
    _, first, group_N = np.unique(groups_N, return_index=True, return_inverse=True)
    category_G = targets_N[first]
    fold_G, order_G = np.empty(len(first), dtype=np.int64), np.empty(len(first))
    start = 0
    for category in np.unique(category_G):
        groups = draws.permutation(np.flatnonzero(category_G == category))
        fold_G[groups] = (np.arange(len(groups)) + start) % folds
        # Every fold's first is drawn at any share: no category goes without labels.
        rounds = np.arange(len(groups)) // folds
        order_G[groups] = rounds / (rounds.max() + 1)
        start += len(groups)
    return fold_G[group_N], order_G[group_N]


def _answers(
    learned_NR: NDArray[np.float32],
    targets_N: NDArray[np.int64],
    asked_NR: NDArray[np.float32],
    *,
    categories: int,
    strength: float,
) -> NDArray[np.float32]:
    """Logits of a head fitted to some rows, for others."""
    answers = np.full((len(asked_NR), categories), _ABSENT, dtype=np.float32)
    known = np.unique(targets_N)
    if len(known) == 1:
        answers[:, known] = 0
        return answers
    head = LogisticRegression(C=strength, max_iter=_MOST_ITERATIONS, tol=1e-3)
    fit_quietly(head, learned_NR, targets_N)
    scores = head.decision_function(asked_NR)
    answers[:, known] = scores if scores.ndim > 1 else np.stack([-scores / 2, scores / 2], axis=1)
    return answers
