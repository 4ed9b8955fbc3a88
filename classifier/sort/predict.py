"""Runs the bundle's network on images without a prediction, and records predictions and failures in batches."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from classifier.catalog import files
from classifier.catalog.connection import Catalog
from classifier.catalog.files import add_image
from classifier.catalog.predictions import add_logits
from classifier.errors import Message
from classifier.inference.choose_engine import EngineChooser
from classifier.inference.device import runtime_from_settings
from classifier.inference.loader import PackedPaths
from classifier.inference.pipeline import InferenceFailure, Inferred, infer_with, open_pool
from classifier.inference.process import tune_malloc
from classifier.inference.reader import Reader, limits_from
from classifier.inference.scorer import Score, scorer_of
from classifier.model.bundle import Bundle
from classifier.model.transforms import transform_of
from classifier.progress import Progress
from classifier.settings import Settings
from classifier.sort.reuse_embeddings import open_embedding_writer

_BATCH = 256
_SECONDS = 1.0


def predict(
    catalog: Catalog,
    library: Path,
    *,
    found: Iterator[Path],
    bundle: Bundle,
    settings: Settings,
    progress: Progress,
    name: Message,
) -> Iterator[Path]:
    """Predict the images at the paths `found`, in their order; yields the last committed path after each commit.

    A commit covers at most 256 images or about a second, which is what a kill costs. Embeddings are stored unless
    the settings say otherwise.
    """
    writer = open_embedding_writer(catalog, library, bundle, settings, progress=progress)
    paths = PackedPaths(found)
    progress.detail(tune_malloc())
    runtime = runtime_from_settings(settings.runtime, training=False)
    runtime.report(progress)
    reader = Reader(
        transform=transform_of(bundle.manifest),
        max_megapixels=settings.images.max_megapixels,
        looks=writer is not None,
    )
    scorer = scorer_of(bundle)
    limits = limits_from(settings.images)
    chooser = EngineChooser(
        bundle=bundle, runtime=runtime, reader=reader, limits=limits, stats=scorer.needs_stats, progress=progress
    )
    engine = chooser.choose(settings.runtime.engine, count=len(paths))
    with (
        open_pool(runtime, limits, progress) as pool,
        progress.stage(name, total=len(paths), unit="picture") as stage,
    ):
        stage.follow(pool.watch.waits_for)
        results = infer_with(engine, paths, reader, runtime, pool=pool)
        for batch in _batches(pool.watch.results(results)):
            inferred = [result for result in batch if isinstance(result, Inferred)]
            scores = scorer.scores(inferred)
            locations = {} if writer is None else writer.write_inferred(inferred)  # before a row refers to it
            with catalog.transaction():
                for result in batch:
                    _record(catalog, paths[result.key], result, model=bundle.manifest.key, score=scores.get(result.key))
                if writer is not None:
                    writer.record(locations)
            yield paths[batch[-1].key]
            stage.advance(len(batch))
    pool.watch.report(progress)


def _record(
    catalog: Catalog, path: Path, result: Inferred | InferenceFailure, *, model: str, score: Score | None
) -> None:
    if isinstance(result, InferenceFailure):
        files.set_failure(catalog, path, result.failure)
    elif score is not None:
        logits, ood_score = score
        add_image(catalog, result.image)
        add_logits(catalog, result.image.id, model=model, logits=logits, novelty=ood_score)
        files.set_image_id(catalog, result.file, result.image.id)


def _batches(results: Iterator[Inferred | InferenceFailure]) -> Iterator[list[Inferred | InferenceFailure]]:
    batch: list[Inferred | InferenceFailure] = []
    started = time.monotonic()
    for result in results:
        batch.append(result)
        if len(batch) == _BATCH or time.monotonic() - started > _SECONDS:
            yield batch
            batch, started = [], time.monotonic()
    if batch:
        yield batch
