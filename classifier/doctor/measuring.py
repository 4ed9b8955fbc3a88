"""Measures every backbone whose weights are here on a crawl, and says what holds a sort up. Nothing is downloaded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from classifier.doctor.estimate import LABELS, Estimate, about, estimate
from classifier.doctor.finding import Finding, hint, ok, problem
from classifier.doctor.speed import measure
from classifier.errors import Message, ModelError
from classifier.inference.device import runtime_from_settings
from classifier.inference.process import tune_malloc
from classifier.model.origin import FOLDER
from classifier.model.pretrained import EMBEDDED

if TYPE_CHECKING:
    from classifier.doctor.crawl import Crawl
    from classifier.doctor.speed import Speed
    from classifier.progress import Progress
    from classifier.settings import Settings

_LONG_S = 3_600


def measure_all(crawl: Crawl, settings: Settings, progress: Progress) -> Iterator[Finding | Estimate]:
    """A finding and an estimate for each backbone, that of the settings first."""
    tune_malloc()
    runtimes = (
        runtime_from_settings(settings.runtime, training=False),
        runtime_from_settings(settings.runtime, training=True),
    )
    chosen = settings.model.backbone
    backbones = _here(chosen)
    for number, backbone in enumerate(backbones, start=1):
        name = Message(
            "measuring {backbone}, {number} of {count}", backbone=backbone, number=number, count=len(backbones)
        )
        try:
            with progress.stage(name, total=None, unit=""):
                sample = crawl.sample if backbone == chosen else crawl.sample[::2]
                speed = measure(backbone, sample, count=crawl.count, settings=settings, runtimes=runtimes)
        except ModelError as error:
            yield problem(
                "speed.failed",
                Message("{backbone} cannot be measured: {why}", backbone=backbone, why=error.message),
                Message("illsort train would stop at the same; take another backbone or mend what it names"),
            )
            continue
        reckoned = estimate(speed, count=crawl.count, settings=settings)
        yield _speed(speed)
        if backbone == chosen:
            yield from _notes(speed, reckoned)
        yield reckoned
    if not _is_here(chosen):
        yield hint(
            "speed.not_measured",
            Message("{backbone} is not measured: its weights would have to be downloaded first", backbone=chosen),
            Message("download its folder and use model.backbone=local-dir:/folder"),
        )


def _is_here(backbone: str) -> bool:
    if backbone in EMBEDDED:
        try:
            EMBEDDED[backbone].weights()
        except ModelError:
            return False
        return True
    return backbone.startswith(FOLDER)


def _here(chosen: str) -> list[str]:
    return list(filter(_is_here, dict.fromkeys((chosen, *EMBEDDED))))


def _speed(speed: Speed) -> Finding:
    slower = Message("reading holds it up") if speed.reading < speed.network else Message("the network holds it up")
    return ok(
        "speed",
        Message(
            "{backbone}: sorts {sorting:.0f} pictures a second by {engine}; reading alone {reading:.0f}, the network "
            "alone {network:.0f}, so {slower}",
            backbone=speed.backbone,
            sorting=speed.sorting,
            engine=speed.engine,
            reading=speed.reading,
            network=speed.network,
            slower=slower,
        ),
    )


def _notes(speed: Speed, reckoned: Estimate) -> Iterator[Finding]:
    if speed.unread:
        yield hint(
            "speed.unread",
            Message(
                "{unread} of {tried} pictures that were tried cannot be read", unread=speed.unread, tried=speed.tried
            ),
            Message("a sort lists each with its reason in _broken.csv, and leaves it where it is"),
        )
    if speed.training is None:
        yield problem(
            "train.memory",
            Message("{backbone} cannot be fine-tuned here: the memory is not enough", backbone=speed.backbone),
            Message("close other programs, or take a smaller network, or --recipe head"),
        )
    elif reckoned.finetune is not None and reckoned.finetune > _LONG_S:
        yield hint(
            "train.slow",
            Message(
                "fine-tuning on {labels} labels takes about {duration}",
                labels=LABELS,
                duration=about(reckoned.finetune),
            ),
            Message(
                "without a GPU illsort train trains a head by itself, about {head}; --set train.minutes=60 limits "
                "fine-tuning",
                head=about(reckoned.head),
            ),
        )
