"""Embeds a sample with the backbone that training would start from, stores the embeddings, and loads them again."""

# Shapes: N images, D embedding width.

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from classifier.catalog import files
from classifier.catalog.embeddings import embeddings_folder
from classifier.catalog.files import add_image
from classifier.catalog.shards import read_embeddings
from classifier.errors import Message
from classifier.images.probe import is_read
from classifier.inference.device import runtime_from_settings
from classifier.inference.loader import PackedPaths
from classifier.inference.pipeline import InferenceFailure, Inferred, infer, open_pool
from classifier.inference.placing import place
from classifier.inference.process import tune_malloc
from classifier.inference.reader import Reader, limits_from
from classifier.model.start import load_start
from classifier.sort.reuse_embeddings import EmbeddingWriter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from classifier.catalog.connection import Catalog
    from classifier.inference.device import Runtime
    from classifier.inference.reader import Limits
    from classifier.model.backbone import Network
    from classifier.model.tags import Tags
    from classifier.progress import Progress, Stage
    from classifier.records import ImageId
    from classifier.settings import Settings


T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoder:
    """A backbone with all that reading images for it takes; `key` names its embeddings, `tags` are a tagger's."""

    network: Network
    reader: Reader
    runtime: Runtime
    limits: Limits
    key: str
    tags: Tags | None = None


def load_encoder(settings: Settings, progress: Progress) -> Encoder:
    """Load the backbone that training would start from. Raises ModelError when that fails."""
    start = load_start(settings, num_categories=None, progress=progress)
    network, transform = start.network, start.transform
    runtime = runtime_from_settings(settings.runtime, training=False)
    return Encoder(
        network=place(network, runtime).eval(),
        reader=Reader(transform=transform, max_megapixels=settings.images.max_megapixels, looks=True),
        runtime=runtime,
        limits=limits_from(settings.images),
        key=start.backbone_key(network.backbone_sha256()),
        tags=start.tags,
    )


_BATCH, _FIRST = 64, 8
"""Images per commit, so the most that a kill costs; the first ones are few, for a page that waits to show them."""


def embed_sample(catalog: Catalog, *, library: Path, crawl: Path, encoder: Encoder, progress: Progress) -> None:
    """Embed every file of the sample whose content has no embedding by this encoder; a kill costs one batch."""
    files.retry_formats(catalog, crawl=crawl, is_read=is_read)
    paths = PackedPaths(files.to_embed(catalog, crawl=crawl, backbone=encoder.key))
    if not len(paths):
        return
    progress.detail(tune_malloc())
    encoder.runtime.report(progress)
    writer = EmbeddingWriter(catalog, library, encoder.key, progress=progress)
    with (
        open_pool(encoder.runtime, encoder.limits, progress) as pool,
        progress.stage(Message("looking"), total=len(paths), unit="picture") as stage,
    ):
        results = infer(
            paths, encoder.network, encoder.reader, encoder.runtime, pool=pool, stats=True, progress=progress
        )
        stage.follow(pool.watch.waits_for)
        counted = _counted(pool.watch.results(results), stage)
        size = min(_FIRST, _BATCH)
        while batch := list(islice(counted, size)):
            size = _BATCH
            locations = writer.write_inferred([result for result in batch if isinstance(result, Inferred)])
            with catalog.transaction():
                for result in batch:
                    _record(catalog, paths[result.key], result)
                writer.record(locations)
    pool.watch.report(progress)


def _counted(results: Iterator[T], stage: Stage) -> Iterator[T]:
    """Counts one by one: a batch takes half a minute where the network is large and the machine slow."""
    for result in results:
        stage.advance()
        yield result


def _record(catalog: Catalog, path: Path, result: Inferred | InferenceFailure) -> None:
    if isinstance(result, InferenceFailure):
        files.set_failure(catalog, path, result.failure)
        return
    add_image(catalog, result.image)
    files.set_image_id(catalog, result.file, result.image.id)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LoadedEmbeddings:
    """`embeddings` is float32 (N, D), a row for each of `image_ids`."""

    image_ids: tuple[ImageId, ...]
    embeddings: NDArray[np.float32]


def load_embeddings(catalog: Catalog, library: Path, wanted: Sequence[ImageId], *, backbone: str) -> LoadedEmbeddings:
    """The stored embeddings of `wanted`; damaged ones are left out."""
    parts = list(read_embeddings(catalog, embeddings_folder(library, backbone), wanted, backbone=backbone))
    return LoadedEmbeddings(
        image_ids=tuple(image_id for part in parts for image_id in part.image_ids),
        embeddings=np.concatenate([part.embeddings for part in parts]) if parts else np.empty((0, 0), np.float32),
    )
