"""The recipe: a head on frozen features, fine-tuning, then a head again; evaluated by cross-validation.

Each fold is held out once, so that the metrics cover all labels; the final network is trained on all of them.
"""

# Shapes: N images, D embedding width, K categories.

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import median_low
from typing import TYPE_CHECKING, Final

import torch
from torch.optim.swa_utils import AveragedModel

from classifier.errors import Message
from classifier.records import Example, Failure, Split
from classifier.training import stages
from classifier.training.checkpoint import Epoch
from classifier.training.guesses import CrawlAnswers, answers_on, first_guesses, shared_guesses
from classifier.training.held_out import HeldOutLogits, concatenated, evaluated, judge, loss
from classifier.training.metrics import Evaluation
from classifier.training.recipe import HALVES, guesses_are_shared, last_epochs

if TYPE_CHECKING:
    from classifier.model.combined_head import CombinedHead
    from classifier.progress import StageName
    from classifier.training.context import TrainingContext
    from classifier.training.features import Features

_CPU: Final = torch.device("cpu")  # there is more room than on a GPU
_NEXT_SEED: Final = 1_000  # apart from those of epochs, which follow one another


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What training came to; the network itself was trained in place.

    `frozen` judges the head on frozen features and `evaluation` the recipe as a whole, both on held-out images; the
    network then learns from all of them, so it is, if anything, better than that. `judged` are the same images as in
    `evaluation`. `epoch` is the one that was kept, 0 for the frozen features; `histories` has one for each fold.
    `embedded` are the labeled images as the network sees them in the end, `frozen_features` as in the beginning;
    `is_sharper` where that is in more pixels (`TrainingContext.sharper`).
    `seconds_per_image` is what reading and embedding a labeled image took. `head` is what answers; the network's last
    layer, by which other programs use it, is judged by `last_layer` and has a temperature of its own.
    """

    temperature: float
    frozen: Evaluation
    evaluation: Evaluation
    judged: HeldOutLogits
    epoch: int
    histories: tuple[tuple[Epoch, ...], ...]
    embedded: Features
    frozen_features: Features
    unread: tuple[tuple[Example, Failure], ...]
    seconds_per_image: float
    head: CombinedHead
    last_layer: Evaluation
    last_layer_temperature: float
    is_sharper: bool = False


def train(
    run: TrainingContext, folds: Sequence[Split], *, on_head: Callable[[Trained], None] = lambda _: None
) -> Trained:
    """Train the run's network in place; it is in evaluation mode on the runtime's device, its head in category order.

    `folds` are splits of the same labels; a fold that holds nothing out says nothing. A killed run goes on from its
    state; `checkpoint.remove` that once the result is safe. `on_head` is called before fine-tuning, while the network
    has the head on frozen features, and may move it to the CPU. Raises LabelsError when a category has no image left to
    learn from, or an image vanishes meanwhile.
    """
    everything, seconds_per_image = run.embed_first(folds[0].train + folds[0].validation, stages.EMBEDDING)
    folds = [_readable(fold, everything) for fold in folds]
    for fold in folds:
        run.check(everything.of(fold.train))
    judging = [fold for fold in folds if fold.validation]
    judged = concatenated(run, [judge(run, everything, fold, is_finetuned=False) for fold in judging])
    frozen, temperature = evaluated(run, judged, judged.logits)
    last_layer, last_layer_temperature = evaluated(run, judged, judged.of_last_layer)
    with_head = Trained(
        temperature=temperature,
        frozen=frozen,
        evaluation=frozen,
        judged=judged,
        epoch=0,
        histories=(),
        embedded=everything,
        frozen_features=everything,
        unread=everything.unread,
        seconds_per_image=seconds_per_image,
        head=run.fit(everything, is_finetuned=False),
        last_layer=last_layer,
        last_layer_temperature=last_layer_temperature,
    )
    run.network.set_head(run.fit_last_layer(everything))
    if run.recipe.recipe == "head" or not run.recipe.epochs:
        return with_head
    on_head(with_head)
    return _fine_tuned(run, with_head, judging)


def _fine_tuned(run: TrainingContext, with_head: Trained, judging: Sequence[Split]) -> Trained:
    """Fine-tune: on each fold to judge it and to find the epoch to stop after, then on all labels."""
    everything, start = with_head.frozen_features, run.weights()
    outcomes, is_shared = [], bool(run.crawl) and guesses_are_shared(len(judging))
    average = AveragedModel(run.network, device=_CPU) if is_shared else None
    for number, fold in enumerate(judging, start=1):
        crawl = run.crawl[number % HALVES :: HALVES] if is_shared else run.crawl
        part = stages.part(number, judging)
        outcomes.append(_fine_tune_fold(run, everything, fold, crawl, part=part, is_asked=is_shared))
        if average is not None and outcomes[-1].answers is not None:
            average.update_parameters(run.network)
        run.network.load_state_dict(start)
    epoch = median_low([outcome.epoch for outcome in outcomes] or [run.recipe.epochs])
    trained = replace(with_head, epoch=epoch, histories=tuple(outcome.history for outcome in outcomes))
    if epoch > 0:
        is_sharper, judged = _better(run, outcomes)
        evaluation, temperature = evaluated(run, judged, judged.logits)
        last_layer, last_layer_temperature = evaluated(run, judged, judged.of_last_layer)
        _tune_with_all(run, everything, outcomes, average, stop_after=epoch)
        seen = run.sharper if is_sharper else run
        embedded = seen.embed(everything.examples, stages.EMBEDDING_AGAIN)
        trained = replace(
            trained,
            judged=judged,
            evaluation=evaluation,
            temperature=temperature,
            is_sharper=is_sharper,
            embedded=embedded,
            head=run.fit(embedded, is_finetuned=True),
            last_layer=last_layer,
            last_layer_temperature=last_layer_temperature,
        )
    _report(run, trained)
    run.network.set_head(run.fit_last_layer(trained.embedded))
    return trained


@dataclass(frozen=True, slots=True, kw_only=True)
class _FoldResult:
    """What one fold came to.

    `judged` is what its network says in as many pixels as it learned from, `sharper` in more; `answers` is what it says
    of the crawl, None if it is not asked.
    """

    judged: HeldOutLogits
    sharper: HeldOutLogits
    epoch: int
    history: tuple[Epoch, ...]
    answers: CrawlAnswers | None


def _fine_tune_fold(
    run: TrainingContext,
    frozen: Features,
    fold: Split,
    crawl: tuple[Example, ...],
    *,
    part: StageName,
    is_asked: bool,
) -> _FoldResult:
    """Fine-tune on all but one part of the labels, and on `crawl`; judge that part, and ask of the whole crawl."""
    learned, held_out = frozen.of(fold.train), frozen.of(fold.validation)
    epoch, history = _tune(run, learned, held_out, crawl, stop_after=run.recipe.epochs, part=part)
    if epoch == 0:
        untuned = judge(run, frozen, fold, is_finetuned=False)
        return _FoldResult(judged=untuned, sharper=untuned, epoch=epoch, history=history, answers=None)
    # The crawl is not looked at larger: more of it is guessed right, and the last network gains nothing (docs/LOG.md).
    tuned = run.embed([*frozen.examples, *(run.crawl if is_asked else ())], stages.embedding(part))
    judged = sharper = judge(run, tuned, fold, is_finetuned=True)
    if run.sharper is not run:
        more = run.sharper.embed(frozen.examples, stages.embedding_sharper(part))
        sharper = judge(run, more, fold, is_finetuned=True)
    answers = answers_on(run, tuned.of(run.crawl), tuned.of(fold.train), judged) if is_asked else None
    return _FoldResult(judged=judged, sharper=sharper, epoch=epoch, history=history, answers=answers)


def _better(run: TrainingContext, outcomes: Sequence[_FoldResult]) -> tuple[bool, HeldOutLogits]:
    """Whether more pixels than were learned from suit what was held out better, by likelihood; and what is said so."""
    judged = concatenated(run, [outcome.judged for outcome in outcomes])
    sharper = concatenated(run, [outcome.sharper for outcome in outcomes])
    if not judged.examples or run.sharper is run:
        return False, judged
    is_sharper = loss(run, sharper) < loss(run, judged)
    return is_sharper, sharper if is_sharper else judged


def _tune(
    run: TrainingContext,
    learned: Features,
    held_out: Features,
    crawl: tuple[Example, ...],
    *,
    stop_after: int,
    part: StageName,
) -> tuple[int, tuple[Epoch, ...]]:
    """Fine-tune on the labels; with a crawl, once more from the start on them and on what the first network guesses."""
    start = run.weights()
    kept = run.finetune(learned, held_out, stop_after=stop_after, name=stages.fine_tuning(part))
    if not crawl or kept[0] == 0:
        return kept
    # What is held out is guessed like the crawl: the figures are then of images that the network has guessed at.
    guesses = first_guesses(run, learned.examples, crawl + held_out.examples, stage=stages.guessing(part))
    run.network.load_state_dict(start)
    return run.finetune(learned, held_out, stop_after=stop_after, name=stages.learning(part), guesses=guesses)


def _tune_with_all(
    run: TrainingContext,
    everything: Features,
    outcomes: Sequence[_FoldResult],
    average: AveragedModel | None,
    *,
    stop_after: int,
) -> None:
    """Fine-tune on all labels; with a crawl, on what the networks of the folds, which learned from it, guess together.

    Then it begins from the mean of their weights (Wortsman et al. 2022, Model soups), which knows the crawl already, so
    few epochs are enough, twice, with other views, for the mean of both. Where there is but one fold, whose network has
    seen few of the labels, one of all labels guesses in their place.
    """
    answers = [outcome.answers for outcome in outcomes if outcome.answers is not None]
    nothing = everything.of(())
    if average is None or not guesses_are_shared(len(answers)):
        _tune(run, everything, nothing, run.crawl, stop_after=stop_after, part=stages.ALL_LABELS)
        return
    guesses = shared_guesses(run, answers)
    last = AveragedModel(run.network, device=_CPU)
    for number, part in enumerate(stages.LAST):
        run.network.load_state_dict(average.module.state_dict())
        seed, epochs = run.recipe.seed + number * _NEXT_SEED, last_epochs(run.recipe.epochs)
        replace(run, recipe=replace(run.recipe, epochs=epochs, seed=seed)).finetune(
            everything,
            nothing,
            stop_after=last_epochs(stop_after),
            name=stages.learning(part),
            guesses=guesses,
            fits_head=False,
        )
        last.update_parameters(run.network)
    run.network.load_state_dict(last.module.state_dict())


def _readable(fold: Split, features: Features) -> Split:
    """The fold without the images that could not be embedded."""
    readable = {example.image_id for example in features.examples}
    return replace(
        fold,
        train=tuple(example for example in fold.train if example.image_id in readable),
        validation=tuple(example for example in fold.validation if example.image_id in readable),
    )


def _report(run: TrainingContext, trained: Trained) -> None:
    """What fine-tuning came to, in a sentence."""
    before, after = trained.frozen.accuracy, trained.evaluation.accuracy
    if before is not None and after is not None:
        run.progress.say(
            Message(
                "Of {count} labeled pictures, each held out once, {before:.0%} are predicted right before fine-tuning "
                "and {after:.0%} after it; {epoch} of {epochs} epochs are kept.",
                count=trained.evaluation.count,
                before=before,
                after=after,
                epoch=trained.epoch,
                epochs=run.recipe.epochs,
            )
        )
