"""Runs the bundle's network over what it has not seen yet, and records each answer or failure as it comes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from classifier.catalog import files
from classifier.catalog.connection import Catalog
from classifier.catalog.files import add_image
from classifier.catalog.predictions import add_logits
from classifier.inference.device import choose_from, quicken_allocator
from classifier.inference.limits import limits_from
from classifier.inference.path_array import PackedPaths
from classifier.inference.pipeline import InferenceFailure, Inferred, infer
from classifier.inference.reader import Reader
from classifier.model.bundle import Bundle
from classifier.model.ood import OodDetector
from classifier.progress import Progress
from classifier.settings import Settings
from classifier.sort.embedding_writer import EmbeddingWriter

_BATCH = 256
_SECONDS = 1.0


def predict(
    catalog: Catalog,
    *,
    run: int,
    crawl: Path,
    bundle: Bundle,
    settings: Settings,
    progress: Progress,
    keeper: EmbeddingWriter | None = None,
) -> Iterator[Path]:
    """Predict what is new in `crawl`, in the order of the paths; after each commit, the last path that it covers.

    A commit covers at most 256 pictures or about a second, so that is what a kill costs. `keeper` is given what the
    network saw in them.
    """
    paths = PackedPaths(files.to_predict(catalog, run=run, crawl=crawl, model=bundle.manifest.key))
    if not len(paths):
        return
    progress.say(quicken_allocator())
    runtime = choose_from(settings.runtime, training=False)
    for reason in runtime.reasons:
        progress.say(reason)
    network = bundle.load_network().to(runtime.device)
    reader = Reader(transform=bundle.manifest.transform, max_megapixels=settings.images.max_megapixels)
    novelty = bundle.load_novelty()
    limits = limits_from(settings.images)
    answers = infer(paths, network, reader, runtime, limits=limits, traits=novelty is not None)
    with progress.stage("sorting", total=len(paths), unit="picture") as stage:
        for batch in _in_batches(answers):
            unlike = _unlike(batch, novelty)
            found = [answer for answer in batch if isinstance(answer, Inferred)]
            spots = {} if keeper is None else keeper.write(found)  # on the disk before a row says so
            with catalog.transaction():
                for answer in batch:
                    _record(catalog, paths[answer.key], answer, bundle.manifest.key, unlike.get(answer.key))
                if keeper is not None:
                    keeper.record(spots)
            yield paths[batch[-1].key]
            stage.advance(len(batch))


def _unlike(batch: list[Inferred | InferenceFailure], novelty: OodDetector | None) -> dict[int, float]:
    """How unlike every labelled picture those are that could be read, by key; nothing when nothing can tell."""
    shown = [answer for answer in batch if isinstance(answer, Inferred)]
    if novelty is None or not shown:
        return {}
    traits = np.stack([answer.traits for answer in shown if answer.traits is not None])
    scores = novelty.score(traits, np.stack([answer.embedding for answer in shown]))
    return dict(zip((answer.key for answer in shown), scores.tolist(), strict=True))


def _record(
    catalog: Catalog, path: Path, answer: Inferred | InferenceFailure, model: str, novelty: float | None
) -> None:
    if isinstance(answer, InferenceFailure):
        files.set_failure(catalog, path, answer.failure)
        return
    add_image(catalog, answer.picture)
    add_logits(catalog, answer.picture.id, model=model, logits=answer.logits, novelty=novelty)
    files.set_picture(catalog, answer.file, answer.picture.id)


def _in_batches(answers: Iterator[Inferred | InferenceFailure]) -> Iterator[list[Inferred | InferenceFailure]]:
    batch: list[Inferred | InferenceFailure] = []
    started = time.monotonic()
    for answer in answers:
        batch.append(answer)
        if len(batch) == _BATCH or time.monotonic() - started > _SECONDS:
            yield batch
            batch, started = [], time.monotonic()
    if batch:
        yield batch
