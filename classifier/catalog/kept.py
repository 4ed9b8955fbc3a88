"""What is kept of given pictures, looked up by what the catalog knows and read from where it lies."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from classifier.catalog import embeddings
from classifier.catalog.shards import read_shard

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from classifier.catalog.connection import Catalog
    from classifier.catalog.shards import EmbeddingBatch
    from classifier.records import PictureId


def kept_of(
    catalog: Catalog, folder: Path, pictures: Sequence[PictureId], *, backbone: str
) -> Iterator[EmbeddingBatch]:
    """What `backbone` saw of these pictures, as far as it is kept in `folder` and whole, in no order."""
    spots = sorted(embeddings.spots_of(catalog, pictures, backbone=backbone))
    for shard, wanted in groupby(spots, key=itemgetter(0)):
        yield from read_shard(folder, shard, [(row, picture) for _, row, picture in wanted])
