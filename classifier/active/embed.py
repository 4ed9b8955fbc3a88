"""Reads a sample once, keeps what the backbone saw of each picture, and records which could not be read."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from classifier.catalog import files
from classifier.catalog.files import add_image
from classifier.inference.device import quicken_allocator
from classifier.inference.path_array import PackedPaths
from classifier.inference.pipeline import InferenceFailure, Inferred, infer
from classifier.sort.reuse_embeddings import EmbeddingWriter

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.active.encoder import Encoder
    from classifier.catalog.connection import Catalog
    from classifier.progress import Progress

_BATCH: Final = 64
"""Pictures a commit: what a kill costs."""


def embed(catalog: Catalog, *, library: Path, crawl: Path, eyes: Encoder, progress: Progress) -> None:
    """Look at every file of the sample whose content these eyes have not seen; a kill costs a batch."""
    paths = PackedPaths(files.to_embed(catalog, crawl=crawl, backbone=eyes.key))
    if not len(paths):
        return
    for reason in (quicken_allocator(), *eyes.runtime.reasons):
        progress.say(reason)
    keeper = EmbeddingWriter(catalog, library, eyes.key, progress=progress)
    answers = infer(paths, eyes.network, eyes.reader, eyes.runtime, limits=eyes.limits, traits=True)
    with progress.stage("looking", total=len(paths), unit="picture") as stage:
        while batch := list(islice(answers, _BATCH)):
            spots = keeper.write([answer for answer in batch if isinstance(answer, Inferred)])
            with catalog.transaction():
                for answer in batch:
                    _record(catalog, paths[answer.key], answer)
                keeper.record(spots)
            stage.advance(len(batch))


def _record(catalog: Catalog, path: Path, answer: Inferred | InferenceFailure) -> None:
    if isinstance(answer, InferenceFailure):
        files.set_failure(catalog, path, answer.failure)
        return
    add_image(catalog, answer.picture)
    files.set_picture(catalog, answer.file, answer.picture.id)
