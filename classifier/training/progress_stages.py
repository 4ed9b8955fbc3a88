"""What a training will have to do, as the pieces of one bar; must not know how any of it is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from classifier.overall_progress import Piece

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from classifier.records import Split
    from classifier.training.context import Run

ACCOUNT: Final = "estimating what more labels bring"
WRITING: Final = "writing the model"

_TRAINING: Final = 3.0
"""Showing a picture to learn from it, by the time of only looking at it: forward and backward."""
_COUNTING: Final = 0.5
"""What is reckoned from a picture in the end, by the time of looking at it."""


def pieces(run: Run, folds: Sequence[Split]) -> list[Piece]:
    """All stages that training shows, in their order, each with what it costs in pictures looked at."""
    count = len(folds[0].train) + len(folds[0].validation)
    return [
        Piece(name="embedding labels", cost=count, kind="look"),
        *(_fine_tuning(run, folds, count) if run.recipe.recipe == "finetune" and run.recipe.epochs else ()),
        Piece(name=ACCOUNT, cost=_COUNTING * count, kind="reckon"),
        Piece(name=WRITING, cost=_COUNTING * count, kind="write"),
    ]


def _fine_tuning(run: Run, folds: Sequence[Split], count: int) -> Iterator[Piece]:
    judging = [fold for fold in folds if fold.validation]
    for number, fold in enumerate(judging, start=1):
        part = f"{number} of {len(judging)}"
        yield from _tuned(run, part, len(fold.train), held_out=len(fold.validation))
        yield Piece(name=f"embedding labels {part}", cost=count, kind="look")
    yield from _tuned(run, "with all labels", count, held_out=0)
    yield Piece(name="embedding labels again", cost=count, kind="look")


def _tuned(run: Run, part: str, learned: int, *, held_out: int) -> Iterator[Piece]:
    most = run.recipe.most_seconds
    cost = run.recipe.epochs * (_TRAINING * learned + held_out)
    yield Piece(name=f"fine-tuning {part}", cost=cost, kind="learn", most_seconds=most)
    if run.crawl:
        looked_at = learned + len(run.crawl) + held_out
        yield Piece(name=f"guessing at the crawl {part}", cost=looked_at, kind="look")
        yield Piece(name=f"learning from the crawl {part}", cost=2 * cost, kind="learn", most_seconds=most)
