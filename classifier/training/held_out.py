"""What heads say of labels that were held out, and how good that is."""

# Shapes: N images, K categories.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from classifier.model.calibration import fit_temperature, probabilities
from classifier.training.metrics import Evaluation, evaluate, log_loss

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from classifier.model.combined_head import CombinedHead
    from classifier.records import Example, Split
    from classifier.training.context import TrainingContext
    from classifier.training.features import Features


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOutLogits:
    """What heads say of images that neither they nor their network were fitted to.

    `logits` is float32 (N, K), `of_last_layer` the same by heads on the embeddings alone. The logits of each are those
    of one of the `heads`, whose number is in `judge`, int64 (N,).
    """

    examples: tuple[Example, ...]
    logits: NDArray[np.float32]
    of_last_layer: NDArray[np.float32]
    heads: tuple[CombinedHead, ...]
    judge: NDArray[np.int64]


def judge(run: TrainingContext, features: Features, fold: Split, *, is_finetuned: bool) -> HeldOutLogits:
    """What a head fitted to the fold says of the part that it holds out."""
    learned, held_out = features.of(fold.train), features.of(fold.validation)
    head = run.fit(learned, is_finetuned=is_finetuned)
    return HeldOutLogits(
        examples=held_out.examples,
        logits=head(held_out.embeddings, held_out.stats),
        of_last_layer=run.fit_last_layer(learned)(held_out.embeddings),
        heads=(head,),
        judge=np.zeros(len(held_out.examples), np.int64),
    )


def concatenated(run: TrainingContext, parts: Sequence[HeldOutLogits]) -> HeldOutLogits:
    """All parts as one."""
    nothing = np.empty((0, len(run.categories)), dtype=np.float32)
    return HeldOutLogits(
        examples=tuple(example for part in parts for example in part.examples),
        logits=np.concatenate([nothing, *(part.logits for part in parts)]),
        of_last_layer=np.concatenate([nothing, *(part.of_last_layer for part in parts)]),
        heads=tuple(head for part in parts for head in part.heads),
        judge=np.repeat(np.arange(len(parts)), [len(part.examples) for part in parts]),
    )


def evaluated(run: TrainingContext, judged: HeldOutLogits, logits_NK: NDArray[np.float32]) -> tuple[Evaluation, float]:
    """The figures, and the temperature that suits them."""
    targets_N = run.targets(judged.examples)
    temperature = fit_temperature(logits_NK, targets_N)
    shares_NK = probabilities(logits_NK, temperature)
    paths = [example.label.path for example in judged.examples]
    return evaluate(shares_NK, targets_N, categories=run.categories, paths=paths), temperature


def loss(run: TrainingContext, judged: HeldOutLogits) -> float:
    """The mean negative log likelihood of the labels, each with the temperature that suits all of them."""
    targets_N = run.targets(judged.examples)
    shares_NK = probabilities(judged.logits, fit_temperature(judged.logits, targets_N))
    return log_loss(shares_NK, targets_N)
