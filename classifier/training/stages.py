"""The stages that training shows: their names, and what each costs, by which the time left is told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from classifier.progress import StageCost, StageName
from classifier.training.recipe import (
    LEARNING,
    LEARNING_SPARINGLY,
    count_checks,
    fitting_seconds,
    is_sparing,
    most_checked,
    most_learned,
)

if TYPE_CHECKING:
    from classifier.records import Split
    from classifier.training.context import TrainingContext

EMBEDDING: Final = StageName("embedding labels", code="embedding")
EMBEDDING_AGAIN: Final = StageName("embedding labels again", code="embedding_again")
ESTIMATING: Final = StageName("estimating what more labels bring", code="estimating")
WRITING: Final = StageName("writing the model", code="writing")
ALL_LABELS: Final = StageName("with all labels", code="all_labels")


def part(number: int, folds: Sequence[Split]) -> StageName:
    """Which of the folds."""
    return StageName("{number} of {count}", code=number, number=number, count=len(folds))


def embedding(of: StageName) -> StageName:
    """Embedding the labels after fine-tuning."""
    return StageName("embedding labels {part}", code=("embedding", of.code), part=of)


def fine_tuning(of: StageName) -> StageName:
    """Learning from the labels."""
    return StageName("fine-tuning {part}", code=("fine_tuning", of.code), part=of)


def guessing(of: StageName) -> StageName:
    """Embedding the crawl."""
    return StageName("guessing at the crawl {part}", code=("guessing", of.code), part=of)


def learning(of: StageName) -> StageName:
    """Learning from labels and crawl."""
    return StageName("learning from the crawl {part}", code=("learning", of.code), part=of)


_COUNTING: Final = 0.5
"""What is reckoned from an image in the end, by the time of looking at it."""


def stage_costs(run: TrainingContext, folds: Sequence[Split]) -> list[StageCost]:
    """All stages that training shows, in their order, each with what it costs in images looked at."""
    examples = folds[0].train + folds[0].validation
    count = len(examples)
    return [
        StageCost(code=EMBEDDING.code, cost=len(run.kept.to_embed(examples)), kind="look"),
        *(_stages(run, folds, count) if run.recipe.recipe == "finetune" and run.recipe.epochs else ()),
        StageCost(code=ESTIMATING.code, cost=_COUNTING * count, kind="reckon", most_seconds=fitting_seconds(count)),
        StageCost(code=WRITING.code, cost=_COUNTING * count, kind="write", most_seconds=fitting_seconds(count)),
    ]


def _stages(run: TrainingContext, folds: Sequence[Split], count: int) -> Iterator[StageCost]:
    judging = [fold for fold in folds if fold.validation]
    for number, fold in enumerate(judging, start=1):
        of = part(number, judging)
        yield from _tuned(run, of, len(fold.train), held_out=len(fold.validation))
        yield StageCost(code=embedding(of).code, cost=count, kind="look")
    yield from _tuned(run, ALL_LABELS, count, held_out=0)
    yield StageCost(code=EMBEDDING_AGAIN.code, cost=count, kind="look")


def _tuned(run: TrainingContext, of: StageName, learned: int, *, held_out: int) -> Iterator[StageCost]:
    most, limit = run.recipe.most_seconds, run.recipe.finetune_labels
    learned, held_out = most_learned(limit, learned), most_checked(limit, held_out)
    epochs = run.recipe.epochs
    learning_cost = LEARNING_SPARINGLY if is_sparing(run.runtime.device.type, held_out) else LEARNING
    cost = epochs * learning_cost * learned + count_checks(epochs) * held_out
    yield StageCost(code=fine_tuning(of).code, cost=cost, kind="learn", most_seconds=most)
    if run.crawl:
        looked_at = learned + len(run.crawl) + held_out
        yield StageCost(code=guessing(of).code, cost=looked_at, kind="look")
        yield StageCost(code=learning(of).code, cost=2 * cost, kind="learn", most_seconds=most)
