"""What the network saw in each picture is kept as a by-product of predicting; a sort does not fail for want of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from classifier.catalog import embeddings
from classifier.catalog.connection import Catalog
from classifier.catalog.embeddings import RowLocation
from classifier.catalog.shards import EmbeddingBatch, ShardWriter
from classifier.inference.pipeline import Inferred
from classifier.model.bundle import Bundle
from classifier.progress import Progress
from classifier.records import PictureId
from classifier.settings import Settings


class EmbeddingWriter:
    """Writes embeddings and traits of one backbone beside the catalog, and records where they lie."""

    def __init__(self, catalog: Catalog, library: Path, backbone: str, *, progress: Progress) -> None:
        self._catalog = catalog
        self._backbone = backbone
        self._progress = progress
        self._writer: ShardWriter | None = ShardWriter(library, backbone, last=embeddings.last_spot(catalog, backbone))

    def write(self, answers: Sequence[Inferred]) -> dict[PictureId, RowLocation]:
        """Put what was inferred durably on the disk, each picture once; says so and stops where the disk refuses."""
        seen = {answer.picture.id: answer for answer in answers}
        if self._writer is None or not seen:
            return {}
        traits = [answer.traits for answer in seen.values() if answer.traits is not None]
        rows = EmbeddingBatch(
            pictures=list(seen),
            embeddings=np.stack([answer.embedding for answer in seen.values()]),
            traits=np.stack(traits) if len(traits) == len(seen) else np.empty((len(seen), 0), dtype=np.float32),
        )
        try:
            spots = self._writer.append(rows)
        except OSError as error:
            self._writer = None
            self._progress.say(f"embeddings are not kept from here on: {error.strerror or error}")
            return {}
        return {picture: spot for picture, spot in zip(seen, spots, strict=True) if spot is not None}

    def record(self, spots: Mapping[PictureId, RowLocation]) -> None:
        """Record what `write` wrote; the caller holds the transaction."""
        embeddings.add(self._catalog, spots.items(), backbone=self._backbone)


def keeper_for(
    catalog: Catalog, library: Path, bundle: Bundle, settings: Settings, *, progress: Progress
) -> EmbeddingWriter | None:
    """None where nothing is to be kept: not wished, a dry run, or a bundle of before whose backbone cannot be told."""
    backbone = bundle.manifest.backbone_key
    if not settings.sort.embeddings or not backbone or catalog.path is None:
        return None
    return EmbeddingWriter(catalog, library, backbone, progress=progress)
