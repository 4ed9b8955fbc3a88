"""What a backbone saw of pictures, from where it is kept, as one array."""

# Shapes: N pictures, D embedding width.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from classifier.catalog import embeddings
from classifier.catalog.embeddings import embeddings_folder
from classifier.catalog.shards import read_shard

if TYPE_CHECKING:
    from collections.abc import Container
    from pathlib import Path

    from numpy.typing import NDArray

    from classifier.catalog.connection import Catalog
    from classifier.records import PictureId


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LoadedEmbeddings:
    """`embeddings` is float32 (N, D), a row for each of `pictures`."""

    pictures: tuple[PictureId, ...]
    embeddings: NDArray[np.float32]


def seen(catalog: Catalog, library: Path, *, backbone: str, wanted: Container[PictureId]) -> LoadedEmbeddings:
    """Those of `wanted` whose embeddings are kept and whole."""
    folder = embeddings_folder(library, backbone)
    pictures: list[PictureId] = []
    parts: list[NDArray[np.float32]] = []
    for shard, rows in embeddings.spots(catalog, backbone=backbone):
        asked = [(row, picture) for row, picture in rows if picture in wanted]
        for part in read_shard(folder, shard, asked):
            pictures += part.pictures
            parts.append(part.embeddings)
    return LoadedEmbeddings(
        pictures=tuple(pictures), embeddings=np.concatenate(parts) if parts else np.empty((0, 0), np.float32)
    )
