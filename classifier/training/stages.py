"""The stages that training shows: their names, and what each costs, by which the time left is told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from classifier.progress import StageCost, StageName
from classifier.training.recipe import (
    EARLY,
    FIRST_SHARE,
    HALVES,
    LEARNING,
    LEARNING_SPARINGLY,
    SHARED_SHARE,
    TURNS,
    count_checks,
    fitting_seconds,
    guesses_are_shared,
    is_sparing,
    last_epochs,
    most_checked,
    most_learned,
    view_sizes,
)

if TYPE_CHECKING:
    from classifier.records import Split
    from classifier.training.context import TrainingContext

EMBEDDING: Final = StageName("embedding labels", code="embedding")
EMBEDDING_AGAIN: Final = StageName("embedding labels again", code="embedding_again")
ESTIMATING: Final = StageName("estimating what more labels bring", code="estimating")
WRITING: Final = StageName("writing the model", code="writing")
ALL_LABELS: Final = StageName("with all labels", code="all_labels")
LAST: Final = (ALL_LABELS, StageName("with all labels once more", code="all_labels_again"))
"""The networks of all labels that begin from the mean of those of the folds, and are averaged."""


def part(number: int, folds: Sequence[Split]) -> StageName:
    """Which of the folds."""
    return StageName("{number} of {count}", code=number, number=number, count=len(folds))


def embedding(of: StageName) -> StageName:
    """Embedding the labels after fine-tuning."""
    return StageName("embedding labels {part}", code=("embedding", of.code), part=of)


def embedding_sharper(of: StageName) -> StageName:
    """The same in more pixels than were learned from."""
    return StageName("embedding labels {part} in more pixels", code=("embedding_sharper", of.code), part=of)


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
    sharper = (run.sharper.transform.image_size / run.transform.image_size) ** 2
    is_shared = bool(run.crawl) and guesses_are_shared(len(judging))
    crawl, asked = (len(run.crawl) / HALVES, len(run.crawl)) if is_shared else (len(run.crawl), 0)
    for number, fold in enumerate(judging, start=1):
        of, learned, held_out = part(number, judging), len(fold.train), len(fold.validation)
        yield from _tuned(run, of, learned, held_out=held_out, crawl=crawl)
        yield StageCost(code=embedding(of).code, cost=count + asked, kind="look")
        if run.sharper is not run:
            yield StageCost(code=embedding_sharper(of).code, cost=sharper * count, kind="look")
    if is_shared:
        last = replace(run, recipe=replace(run.recipe, epochs=last_epochs(run.recipe.epochs)))
        for of in LAST:
            yield _learning(last, of, count, held_out=0, guesses=SHARED_SHARE * len(run.crawl))
    else:
        yield from _tuned(run, ALL_LABELS, count, held_out=0, crawl=crawl)
    yield StageCost(code=EMBEDDING_AGAIN.code, cost=sharper * count, kind="look")


def _tuned(run: TrainingContext, of: StageName, learned: int, *, held_out: int, crawl: float) -> Iterator[StageCost]:
    most = run.recipe.most_seconds
    yield StageCost(code=fine_tuning(of).code, cost=_cost(run, learned, held_out), kind="learn", most_seconds=most)
    if crawl:
        yield StageCost(code=guessing(of).code, cost=learned + crawl + held_out, kind="look")
        yield _learning(run, of, learned, held_out=held_out, guesses=FIRST_SHARE * crawl)


def _learning(run: TrainingContext, of: StageName, learned: int, *, held_out: int, guesses: float) -> StageCost:
    cost = _cost(run, learned, held_out, guesses=round(guesses / TURNS))
    return StageCost(code=learning(of).code, cost=cost, kind="learn", most_seconds=run.recipe.most_seconds)


def _cost(run: TrainingContext, learned: int, held_out: int, *, guesses: int = 0) -> float:
    """Of one fine-tuning that shows `learned` labels and so many guesses in each epoch, in images looked at."""
    epochs, limit = run.recipe.epochs, run.recipe.finetune_labels
    learned, held_out = most_learned(limit, learned), most_checked(limit, held_out)
    device = run.runtime.device.type
    takes_any = run.network.takes_any_size
    small, large = view_sizes(
        run.recipe.image_size, takes_any_size=takes_any, device=device, held_out=held_out, guesses=guesses
    )
    pixels = EARLY * (small / large) ** 2 + 1 - EARLY
    each = LEARNING_SPARINGLY if is_sparing(device, held_out) else LEARNING * pixels
    return epochs * each * (learned + guesses) + count_checks(epochs) * held_out
