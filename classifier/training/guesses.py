"""What networks guess of the crawl, as far as it is to be learned from.

Twice: the network of each fold learns from what a first one, fine-tuned on the labels of that fold alone, is most
confident of; the network of all labels then from what those of the folds say together. So no network is taught by a
label that its fold holds out; those set the temperature at which it is heard.
"""

# Shapes: M images of the crawl, K categories.

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from classifier.errors import Message
from classifier.model.calibration import fit_temperature, probabilities
from classifier.model.ood import fit_ood
from classifier.training.pseudo_labels import PseudoLabels, select_confident, soft_targets
from classifier.training.recipe import FIRST_SHARE, SHARED_SHARE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classifier.progress import StageName
    from classifier.records import Example
    from classifier.training.context import TrainingContext
    from classifier.training.features import Features
    from classifier.training.held_out import HeldOutLogits

_UNKNOWN_SHARE: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class CrawlAnswers:
    """What a fold's network says of the crawl: calibrated probabilities (M, K), and what is in no category, (M,)."""

    examples: tuple[Example, ...]
    shares: NDArray[np.float64]
    is_unknown: NDArray[np.bool_]


def first_guesses(
    run: TrainingContext, labeled: Sequence[Example], unlabeled: Sequence[Example], *, stage: StageName
) -> PseudoLabels:
    """What the network as it is now guesses of the unlabeled images, as far as it is to be learned from."""
    features = run.embed([*labeled, *unlabeled], stage)
    known, pool = features.of(labeled), features.of(unlabeled)
    shares = probabilities(run.fit(known, is_finetuned=True)(pool.embeddings, pool.stats), 1.0)
    return _chosen(run, pool.examples, shares, _is_unknown(run, known, pool), share=FIRST_SHARE)


def answers_on(run: TrainingContext, crawl: Features, learned: Features, judged: HeldOutLogits) -> CrawlAnswers:
    """What the network as it is now says of the crawl, at the temperature that suits what it was not shown."""
    (head,) = judged.heads
    temperature = fit_temperature(judged.logits, run.targets(judged.examples))
    return CrawlAnswers(
        examples=crawl.examples,
        shares=probabilities(head(crawl.embeddings, crawl.stats), temperature),
        is_unknown=_is_unknown(run, learned, crawl),
    )


def shared_guesses(run: TrainingContext, answers: Sequence[CrawlAnswers]) -> PseudoLabels:
    """What several networks guess together, by the mean of their probabilities; unknown is what most call so."""
    known = set.intersection(*({example.image_id for example in one.examples} for one in answers))
    rows = [[row for row, example in enumerate(one.examples) if example.image_id in known] for one in answers]
    shares = np.mean([one.shares[own] for one, own in zip(answers, rows, strict=True)], axis=0)
    unknown = np.mean([one.is_unknown[own] for one, own in zip(answers, rows, strict=True)], axis=0)
    examples = tuple(answers[0].examples[row] for row in rows[0])
    return _chosen(run, examples, shares, unknown > 1 / 2, share=SHARED_SHARE)


def _chosen(
    run: TrainingContext,
    examples: Sequence[Example],
    shares_MK: NDArray[np.float64],
    is_unknown_M: NDArray[np.bool_],
    *,
    share: float,
) -> PseudoLabels:
    rows = select_confident(shares_MK, share=share)
    rows = rows[~is_unknown_M[rows]]
    run.progress.say(
        Message("{count:,} of {guesses:,} guesses are learned from.", count=len(rows), guesses=len(examples))
    )
    return PseudoLabels(examples=tuple(examples[row] for row in rows), targets=soft_targets(shares_MK[rows]))


def _is_unknown(run: TrainingContext, labeled: Features, pool: Features) -> NDArray[np.bool_]:
    """Which images of the crawl are in no category, (M,): what they would teach is wrong whatever is guessed."""
    each = np.arange(len(labeled.examples))  # near-duplicates apart: that calls more unknown, which does no harm here
    novelty = fit_ood(labeled.stats, labeled.embeddings, run.targets(labeled.examples), each)
    is_unknown: NDArray[np.bool_] = novelty.score(pool.stats, pool.embeddings) >= novelty.threshold(_UNKNOWN_SHARE)
    return is_unknown
