"""Says how long a training with many labels takes before it begins: it measures by some of them."""

from __future__ import annotations

import time
from itertools import islice
from typing import TYPE_CHECKING, Final

from classifier.errors import Message
from classifier.inference.pipeline import infer
from classifier.inference.placing import place
from classifier.inference.reader import Reader
from classifier.progress import format_duration
from classifier.training.dataset import read_in_workers
from classifier.training.recipe import LEARNING, finetuning_seconds, fitting_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from classifier.inference.device import Runtime
    from classifier.inference.worker_pool import WorkerPool
    from classifier.model.start import Start
    from classifier.progress import Progress
    from classifier.records import Label
    from classifier.settings import Settings

MANY: Final = 2_000
"""With fewer labels it is over soon, or its bar says before long when."""
_TIMED: Final = 100
_BATCHES: Final = 4
"""So many at least, since the first one takes longer."""


def say_duration(
    labels: Sequence[Label],
    settings: Settings,
    *,
    start: Start,
    runtime: Runtime,
    pool: WorkerPool,
    progress: Progress,
) -> None:
    """Say it in a line where there are many labels; `settings` have the recipe that is followed."""
    if len(labels) < MANY:
        return
    count = max(_TIMED, _BATCHES * runtime.batch_size)
    sample = labels[:: max(1, len(labels) // count)][:count]
    network, megapixels = place(start.network, runtime).eval(), settings.images.max_megapixels
    with progress.stage(Message("measuring"), total=None, unit=""):
        reading = _seconds_each(read_in_workers(tuple(sample), pool, max_megapixels=megapixels), first=pool.processes)
        reader = Reader(transform=start.transform, max_megapixels=megapixels)
        outcomes = infer([label.path for label in sample], network, reader, runtime, pool=pool, stats=True)
        embedding = _seconds_each(outcomes, first=runtime.batch_size)
    progress.say(duration(len(labels), settings, reading=reading, embedding=embedding))


def _seconds_each(results: Iterator[object], *, first: int) -> float:
    """What each of them takes; the `first` ones, by which processes start and networks warm up, do not count."""
    list(islice(results, first))
    began, count = time.monotonic(), sum(1 for _ in results)
    return (time.monotonic() - began) / max(1, count)


def duration(count: int, settings: Settings, *, reading: float, embedding: float) -> Message:
    """By the seconds that reading a label takes, and reading and embedding one; kept embeddings make it shorter."""
    seconds = {"reading": count * reading, "embedding": count * embedding, "fitting": fitting_seconds(count)}
    parts = {name: format_duration(spent) for name, spent in seconds.items()}
    if settings.train.recipe != "finetune" or not settings.train.epochs:
        return Message(
            "Up to about {total} for {count:,} labels: reading them {reading}, embedding them {embedding}, fitting the "
            "head and judging it {fitting}",
            count=count,
            total=format_duration(sum(seconds.values())),
            **parts,
        )
    tuning = finetuning_seconds(settings, labels=count, learning=LEARNING * embedding, looking=embedding)
    return Message(
        "Up to about {total} for {count:,} labels: reading them {reading}, embedding them {embedding}, fitting the "
        "head and judging it {fitting}, fine-tuning {tuning}",
        count=count,
        total=format_duration(sum(seconds.values()) + tuning),
        tuning=format_duration(tuning),
        **parts,
    )
