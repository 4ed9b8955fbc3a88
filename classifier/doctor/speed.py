"""How fast pictures are read, computed and learned from here: the real reading processes, engine and training loop."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from itertools import chain, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from classifier.errors import Message, ModelError
from classifier.inference.choose_engine import engine_for_trial
from classifier.inference.forward import outputs_of
from classifier.inference.loader import stream
from classifier.inference.pipeline import open_pool
from classifier.inference.reader import Read, Reader, limits_from
from classifier.model.start import load_start
from classifier.progress import SilentProgress, SilentStage
from classifier.records import Example, ImageId, Label
from classifier.training.augment import Augment
from classifier.training.context import Hyperparameters
from classifier.training.dataset import TrainingImages
from classifier.training.loop import finetune
from classifier.training.micro_batches import MicroBatches

if TYPE_CHECKING:
    from classifier.inference.device import Runtime
    from classifier.inference.forward import Engine, Outputs
    from classifier.inference.loader import Batch
    from classifier.inference.worker_pool import WorkerPool
    from classifier.model.backbone import Network
    from classifier.progress import Stage
    from classifier.settings import Settings

PICTURES: Final = 64
"""How many pictures are read and computed to measure by."""
_CATEGORIES: Final = 10
_TOGETHER_ON_CPU: Final = 8
_GPU_ROUNDS: Final = 8
_STEPS_ON_CPU, _STEPS_ON_GPU = 2, 10
"""Steps of training; the first, which prepares, is not counted."""
_ROW_BYTES: Final = 44
"""Beside the numbers of an embedding: the image id, two scales and a checksum."""
_FLOAT16: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """Pictures a second: `reading` and `network` each alone, `sorting` by both; `training` learns, None if it cannot.

    `row_bytes` is what a picture's embedding takes on the disk; `unread` pictures of the `tried` ones are unreadable.
    """

    backbone: str
    engine: str
    reading: float
    network: float
    sorting: float
    training: float | None
    row_bytes: int
    tried: int
    unread: int


def measure(
    backbone: str, sample: Sequence[Path], *, count: int, settings: Settings, runtimes: tuple[Runtime, Runtime]
) -> Speed:
    """Measure with pictures of a crawl of `count`, by the `runtimes` that sort and train.

    Raises ModelError in one line when the backbone cannot be loaded, or no picture can be read.
    """
    runtime, for_training = runtimes
    model = settings.model.model_copy(update={"backbone": backbone})
    settings = settings.model_copy(update={"model": model})
    start = load_start(settings, num_categories=_CATEGORIES, progress=SilentProgress())
    network = start.network.eval()
    reader = Reader(transform=start.transform, max_megapixels=settings.images.max_megapixels)
    with open_pool(runtime, limits_from(settings.images), SilentProgress()) as pool:
        paths, reading = _read(sample, reader, pool)
        if not paths:
            raise ModelError("none of {count} pictures that were tried can be read", count=len(sample))
        engine_name, engine = engine_for_trial(network, runtime, requested=settings.runtime.engine, count=count)
        rates, outputs = _compute(engine, paths, reader, pool, runtime)
    return Speed(
        backbone=backbone,
        engine=engine_name,
        reading=reading,
        network=rates[0],
        sorting=rates[1] if runtime.device.type == "cpu" else min(reading, rates[0]),
        training=_train(network, paths, settings, for_training),
        row_bytes=_ROW_BYTES + _FLOAT16 * (outputs[0].shape[1] + outputs[2].shape[1]),
        tried=len(sample),
        unread=len(sample) - len(paths),
    )


def _read(sample: Sequence[Path], reader: Reader, pool: WorkerPool) -> tuple[list[Path], float]:
    """The pictures that can be read, and how many are a second; the first ones, by which processes start, apart."""
    processes = max(1, pool.processes)
    first = sample[:processes] if len(sample) > PICTURES else sample[:1]
    rest = sample[len(first) :] or first
    readable = [path for path, is_read in _outcomes(first, reader, pool, batch_size=1) if is_read]
    began = time.monotonic()
    outcomes = list(_outcomes(rest, reader, pool, batch_size=max(1, len(rest) // (4 * processes))))
    seconds = time.monotonic() - began
    readable += [path for path, is_read in outcomes if is_read]
    return list(dict.fromkeys(readable)), len(rest) / seconds


def _outcomes(
    paths: Sequence[Path], reader: Reader, pool: WorkerPool, *, batch_size: int
) -> Iterator[tuple[Path, bool]]:
    for batch in stream(paths, reader, pool, batch_size=batch_size):
        for key, result in zip(batch.keys, batch.results, strict=True):
            yield paths[key], isinstance(result, Read)


def _compute(
    engine: Engine, paths: list[Path], reader: Reader, pool: WorkerPool, runtime: Runtime
) -> tuple[tuple[float, float], Outputs]:
    """Pictures a second that the network computes, alone and while the next ones are read; and its last outputs."""
    is_cpu = runtime.device.type == "cpu"
    size = _TOGETHER_ON_CPU if is_cpu else runtime.batch_size
    kept: list[Batch] = []
    for batch in stream(paths[:size], reader, pool, batch_size=size):
        engine.launch(batch.pixels)()  # prepares what the first batch prepares
    together, _ = _timed(_kept(stream(paths, reader, pool, batch_size=size), kept), engine)
    rounds = 1 if is_cpu else _GPU_ROUNDS
    alone, outputs = _timed(chain.from_iterable(repeat(kept, rounds)), engine)
    return (rounds * len(paths) / alone, len(paths) / together), outputs


def _kept(batches: Iterable[Batch], kept: list[Batch]) -> Iterator[Batch]:
    for batch in batches:
        kept.append(batch)
        yield batch


def _timed(batches: Iterable[Batch], engine: Engine) -> tuple[float, Outputs]:
    began, outputs = time.monotonic(), list[np.ndarray]()
    for _, found in outputs_of(batches, engine):
        outputs = found
    return time.monotonic() - began, outputs


class _Watch(SilentStage):
    """When each batch was learned from."""

    def __init__(self) -> None:
        self.steps: list[tuple[int, float]] = []

    def advance(self, count: int = 1) -> None:
        if count:
            self.steps.append((count, time.monotonic()))


class _Watching(SilentProgress):
    def __init__(self) -> None:
        self.watch = _Watch()

    def stage(self, name: Message, *, total: int | None, unit: str) -> AbstractContextManager[Stage]:  # noqa: ARG002
        return nullcontext(self.watch)


def _train(network: Network, paths: list[Path], settings: Settings, runtime: Runtime) -> float | None:
    """Pictures a second that are learned from at the recipe's batch size; None where the memory is not enough."""
    recipe = Hyperparameters.from_settings(settings.train, image_size=network.image_size)
    steps = _STEPS_ON_CPU if runtime.device.type == "cpu" else _STEPS_ON_GPU
    augment = Augment(image_size=recipe.image_size, crop_min=recipe.crop_min, seed=recipe.seed)
    examples = [_example(number, paths[number % len(paths)]) for number in range(steps * recipe.batch_size)]
    targets = np.eye(_CATEGORIES)[np.arange(len(examples)) % _CATEGORIES]
    progress = _Watching()
    megapixels = settings.images.max_megapixels
    try:
        finetune(
            network,
            train=TrainingImages(examples, targets, prepare=augment.shrink, max_megapixels=megapixels),
            validation=TrainingImages([], targets[:0], prepare=augment.shrink, max_megapixels=megapixels),
            recipe=replace(recipe, epochs=1, most_seconds=0),
            stop_after=1,
            runtime=runtime,
            micro_batches=MicroBatches(runtime.device, most=recipe.batch_size, say=progress.say),
            name=Message("measuring"),
            checkpoint=None,
            progress=progress,
        )
    except ModelError:
        return None
    (_, began), *counted = progress.watch.steps
    return sum(count for count, _ in counted) / (counted[-1][1] - began)


def _example(number: int, path: Path) -> Example:
    """A picture as training takes it, with an id of its own for its crops."""
    return Example(label=Label(path=path, category=""), image_id=ImageId(f"{number:064x}"))
