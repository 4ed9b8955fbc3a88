"""What a training will have to do, as the pieces of one bar; must not know how any of it is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from classifier.overall_progress import StageCost

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from classifier.records import Split
    from classifier.training.context import TrainingContext

ACCOUNT: Final = "estimating what more labels bring"
WRITING: Final = "writing the model"

_TRAINING: Final = 3.0
"""Showing a picture to learn from it, by the time of only looking at it: forward and backward."""
_COUNTING: Final = 0.5
"""What is reckoned from a picture in the end, by the time of looking at it."""


def pieces(run: TrainingContext, folds: Sequence[Split]) -> list[StageCost]:
    """All stages that training shows, in their order, each with what it costs in pictures looked at."""
    count = len(folds[0].train) + len(folds[0].validation)
    return [
        StageCost(name="embedding labels", cost=count, kind="look"),
        *(_fine_tuning(run, folds, count) if run.recipe.recipe == "finetune" and run.recipe.epochs else ()),
        StageCost(name=ACCOUNT, cost=_COUNTING * count, kind="reckon"),
        StageCost(name=WRITING, cost=_COUNTING * count, kind="write"),
    ]


def _fine_tuning(run: TrainingContext, folds: Sequence[Split], count: int) -> Iterator[StageCost]:
    judging = [fold for fold in folds if fold.validation]
    for number, fold in enumerate(judging, start=1):
        part = f"{number} of {len(judging)}"
        yield from _tuned(run, part, len(fold.train), held_out=len(fold.validation))
        yield StageCost(name=f"embedding labels {part}", cost=count, kind="look")
    yield from _tuned(run, "with all labels", count, held_out=0)
    yield StageCost(name="embedding labels again", cost=count, kind="look")


def _tuned(run: TrainingContext, part: str, learned: int, *, held_out: int) -> Iterator[StageCost]:
    most = run.recipe.most_seconds
    cost = run.recipe.epochs * (_TRAINING * learned + held_out)
    yield StageCost(name=f"fine-tuning {part}", cost=cost, kind="learn", most_seconds=most)
    if run.crawl:
        looked_at = learned + len(run.crawl) + held_out
        yield StageCost(name=f"guessing at the crawl {part}", cost=looked_at, kind="look")
        yield StageCost(name=f"learning from the crawl {part}", cost=2 * cost, kind="learn", most_seconds=most)
