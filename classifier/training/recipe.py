"""Which recipe a training follows, and what fine-tuning costs. Imports no torch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from classifier.errors import Message
from classifier.progress import format_duration
from classifier.settings import Settings

FOLDS: Final = {"finetune": 3, "head": 5}
"""Parts of the labels that are each held out once, where `train.folds` leaves it open."""
LEARNING: Final = 3.0
"""Showing an image to learn from it, by the time of only looking at it: forward and backward."""
LEARNING_SPARINGLY: Final = 2.0
"""The same where most of the early layers stay as they are and views are small at first."""
_SHARPER: Final = 1.5
_SHARPEST: Final = 384
"""The most pixels of a side that were measured (docs/LOG.md); what learns from as many or more sees no others."""
_MULTIPLE: Final = 32  # networks halve the side up to five times without a remainder
_SMALL: Final = 0.75
_SMALL_SPARINGLY: Final = 0.625
"""The side of the first views of a fine-tuning, as a share of what the network sees afterwards."""
EARLY: Final = 0.6
"""The share of a fine-tuning in which views are small, where they are at first (measured: docs/LOG.md)."""
_CHECKS: Final = 4
FIRST_SHARE: Final = 0.4
"""Of the images guessed to be of a category, a fold's network learns from the most confident this many."""
SHARED_SHARE: Final = 0.6
"""The same for the network of all labels: networks that learned from the crawl are right more often (docs/LOG.md)."""
TURNS: Final = 4
"""A label is worth four guesses: each epoch shows all labels and a quarter of the guesses."""
HALVES: Final = 2
"""Networks that only guess and judge learn from every second image of the crawl each, which is enough (docs/LOG.md)."""
_ENOUGH_NETWORKS: Final = 2
_LAST: Final = 3 / 8
"""Of the epochs, for networks that begin from the mean of those that learned from the crawl; more teach them less."""
LOOKED_AT: Final = 2
"""Fitting a head and reckoning what it is worth takes as long as looking at each label twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`settings` with the recipe that is followed, finetune or head.

    With `head_first` a model with a head alone is saved before fine-tuning. `left_out` where `train.recipe` is auto and
    fine-tuning is not done.
    """

    settings: Settings
    head_first: bool = False
    left_out: bool = False


def plan_for(settings: Settings, *, has_gpu: bool, has_begun: bool, has_model: bool) -> Plan:
    """What `train.recipe` comes to here.

    With auto, a GPU fine-tunes, and so does a CPU on which fine-tuning has begun, or that is to learn from a crawl too,
    which a head cannot. Before it a head is saved, unless a finished model is in the folder: that might be better.
    """
    if settings.train.recipe != "auto":
        return Plan(settings=settings)
    if has_gpu or has_begun or settings.train.unlabelled is not None:
        return Plan(settings=finetuning(settings), head_first=not has_model)
    return Plan(settings=_with_recipe(settings, "head"), left_out=settings.train.epochs > 0)


def sharper_size(image_size: int) -> int:
    """The side in pixels at which a network that learned from crops of `image_size` may see whole images better."""
    larger = round(_SHARPER * image_size / _MULTIPLE) * _MULTIPLE
    return max(image_size, min(larger, _SHARPEST))


def finetuning(settings: Settings) -> Settings:
    """The settings with fine-tuning as the recipe."""
    return _with_recipe(settings, "finetune")


def _with_recipe(settings: Settings, recipe: str) -> Settings:
    return settings.model_copy(update={"train": settings.train.model_copy(update={"recipe": recipe})})


def most_learned(limit: int, count: int) -> int:
    """From how many of `count` labels fine-tuning learns; `limit` is `train.finetune_labels`."""
    return min(count, limit) if limit else count


def most_checked(limit: int, count: int) -> int:
    """How many of `count` held-out labels are looked at after each epoch: fewer tell as well which epoch is best."""
    return min(count, max(1, limit // 4)) if limit else count


def is_sparing(device: str, held_out: int) -> bool:
    """Whether fine-tuning leaves the earliest layers as they are and begins with small views.

    Without a GPU that halves its time, at a point or two of accuracy (docs/LOG.md). So it is for networks that judge
    what is held out, which are not kept; that of all labels learns in full.
    """
    return device == "cpu" and held_out > 0


def view_sizes(image_size: int, *, takes_any_size: bool, device: str, held_out: int, guesses: int) -> tuple[int, int]:
    """The sides in pixels of the first views of a fine-tuning and of the later ones; `guesses` are learned from too.

    Without a GPU small ones save time where there is much to save: where it is sparing, and where it learns from a
    crawl. A network that is kept and learns from labels alone would lose half a point by them (docs/LOG.md).
    """
    if not takes_any_size or device != "cpu" or not (held_out or guesses):
        return image_size, image_size
    share = _SMALL_SPARINGLY if is_sparing(device, held_out) else _SMALL
    return min(image_size, max(1, round(share * image_size / _MULTIPLE)) * _MULTIPLE), image_size


def guesses_are_shared(networks: int) -> bool:
    """Whether the network of all labels learns from what those of the folds guess of the crawl together.

    The network of a single fold has seen too few of the labels; then one of all labels guesses first.
    """
    return networks >= _ENOUGH_NETWORKS


def last_epochs(epochs: int) -> int:
    """How many of `epochs` (1 or more) are for networks that begin from the mean of others (docs/LOG.md)."""
    return max(1, math.ceil(_LAST * epochs))


def checked_each(epochs: int) -> int:
    """Held-out labels are looked at after each so many epochs and the last: at most four times, and before all."""
    return max(1, math.ceil(epochs / _CHECKS))


def count_checks(epochs: int) -> int:
    """How often they are looked at after an epoch."""
    return math.ceil(epochs / checked_each(epochs))


def shown_and_looked_at(settings: Settings, labels: int) -> tuple[float, float]:
    """How often fine-tuning shows a label to learn from it, and how often to look at it only.

    Every fold learns from all labels but its own part, in each epoch, and then a last network from all of them, as far
    as `train.finetune_labels` lets it.
    """
    train = settings.train
    folds, limit = train.folds or FOLDS["finetune"], train.finetune_labels
    held_out = labels * (settings.labels.validation_share if folds == 1 else 1 / folds)
    shown = folds * min(labels - held_out, limit or labels) + most_learned(limit, labels)
    checked = folds * min(held_out, max(1, limit // 4) if limit else labels)
    larger = _SHARPER**2  # in pixels: each network looks at the labels so too, and the last one maybe so alone
    looks = folds * (1 + larger) + 2 * LOOKED_AT - 1 + larger
    return train.epochs * shown, count_checks(train.epochs) * checked + labels * looks


def finetuning_seconds(settings: Settings, *, labels: int, learning: float, looking: float) -> float:
    """About what fine-tuning takes, by the seconds that learning from a label takes, and only looking at one."""
    shown, looked_at = shown_and_looked_at(settings, labels)
    seconds = shown * learning + looked_at * looking
    limit = 60 * settings.train.minutes
    return min(seconds, limit) if limit else seconds


def fitting_seconds(labels: int) -> float:
    """About what fitting heads and judging them takes once the labels are embedded; measured: docs/LOG.md."""
    return 30 + labels / 500


def only_a_head(seconds: float) -> Message:
    """That fine-tuning was left out, and that it takes so long."""
    return Message(
        "Without a graphics card only a head is trained, on what the network sees. Fine-tuning the network is usually "
        "more accurate; here it takes about {duration}: --recipe finetune",
        duration=format_duration(seconds),
    )
