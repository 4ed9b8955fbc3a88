"""Looks of images (see `images.look`), kept in the store of embeddings under a name of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from classifier.catalog.embeddings import LOOKS, embeddings_folder
from classifier.catalog.shards import EmbeddingBatch, read_embeddings
from classifier.catalog.values import select_many

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from classifier.catalog.connection import Catalog
    from classifier.records import ImageId, ImageInfo


def without_look(catalog: Catalog, library: Path, images: Sequence[ImageInfo]) -> list[ImageInfo]:
    """Those that were read with their look and have none in the store that is intact, each once."""
    by_id = {image.id: image for image in images if image.look}
    kept = {image_id for found, _ in read_looks(catalog, library, list(by_id)) for image_id in found}
    return [image for image_id, image in by_id.items() if image_id not in kept]


def as_rows(images: Sequence[ImageInfo]) -> EmbeddingBatch:
    """Looks as the store takes them; each byte is kept exactly."""
    looks = np.frombuffer(b"".join(image.look for image in images), np.uint8).reshape(len(images), -1)
    return EmbeddingBatch(
        image_ids=[image.id for image in images],
        embeddings=looks.astype(np.float32),
        stats=np.empty((len(images), 0), np.float32),
    )


def read_looks(
    catalog: Catalog, library: Path, image_ids: Sequence[ImageId]
) -> Iterator[tuple[Sequence[ImageId], NDArray[np.uint8]]]:
    """The kept looks of these images as far as they are intact, in parts and in no order."""
    for part in read_embeddings(catalog, embeddings_folder(library, LOOKS), image_ids, backbone=LOOKS):
        yield part.image_ids, part.embeddings.astype(np.uint8)


def sizes_of(catalog: Catalog, image_ids: Sequence[ImageId]) -> dict[ImageId, tuple[int, int]]:
    """Width and height of those of these images that were decoded."""
    query = (
        "SELECT id, width, height FROM pictures WHERE typeof(width) = 'integer' AND typeof(height) = 'integer' "
        "AND id IN {pictures}"
    )
    return {image_id: (width, height) for image_id, width, height in select_many(catalog, query, image_ids)}


def ending_early(catalog: Catalog, image_ids: Sequence[ImageId]) -> set[ImageId]:
    """Those of these images of which a part is missing at the end."""
    query = "SELECT id FROM pictures WHERE truncated AND id IN {pictures}"
    return {image_id for (image_id,) in select_many(catalog, query, image_ids)}
