"""The embeddings that libraries keep of labeled images, so that training does not read these images once more."""

# Shapes: D embedding width, T statistics.

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from classifier.catalog.connection import is_library, read_catalog
from classifier.catalog.embeddings import embeddings_folder
from classifier.catalog.shards import read_embeddings
from classifier.errors import LibraryError
from classifier.records import Example, ImageId
from classifier.training.features import Features

if TYPE_CHECKING:
    from collections.abc import Iterable

Row = tuple[NDArray[np.float32], NDArray[np.float32]]
"""An embedding, (D,), and the statistics for OOD detection, (T,)."""

_TIMED: Final = 32
"""Images that are embedded whatever is kept: the time that a training takes is estimated by them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptEmbeddings:
    """Rows by image, rounded to float16 as those by which a sort decides again."""

    rows: Mapping[ImageId, Row] = field(default_factory=dict)

    def to_embed(self, examples: Sequence[Example]) -> tuple[Example, ...]:
        """The examples without a row, and a few others where these are fewer than that, in their order."""
        others = [one for one in examples if one.image_id in self.rows]
        missing = len(examples) - len(others)
        known = {one.image_id for one in others[max(0, _TIMED - missing) :]}
        return tuple(one for one in examples if one.image_id not in known)

    def completed(self, examples: Sequence[Example], new: Features) -> Features:
        """The features of all `examples`, in their order; `new` are those of `to_embed`."""
        found = zip(new.embeddings, new.stats, strict=True)
        rows = {**self.rows, **{one.image_id: row for one, row in zip(new.examples, found, strict=True)}}
        unread = {one.image_id for one, _ in new.unread}
        there = tuple(one for one in examples if one.image_id not in unread)
        if len(there) == len(new.examples):
            return new
        return Features(
            examples=there,
            embeddings=np.stack([rows[one.image_id][0] for one in there]),
            stats=np.stack([rows[one.image_id][1] for one in there]),
            unread=new.unread,
        )


def read_kept(folders: Iterable[Path | None], examples: Sequence[Example], *, backbone: str) -> KeptEmbeddings:
    """What libraries among `folders` keep of `examples` under the key `backbone`, as far as it is intact."""
    rows: dict[ImageId, Row] = {}
    for folder in folders:
        wanted = [one.image_id for one in examples if one.image_id not in rows]
        if folder is not None and wanted and is_library(folder):
            rows |= _of_library(folder, wanted, backbone)
    return KeptEmbeddings(rows=rows)


def _of_library(library: Path, wanted: Sequence[ImageId], backbone: str) -> dict[ImageId, Row]:
    """Nothing where the catalog cannot be read: then every image is read again."""
    rows: dict[ImageId, Row] = {}
    try:
        with read_catalog(library) as catalog:
            folder = embeddings_folder(library, backbone)
            for batch in read_embeddings(catalog, folder, wanted, backbone=backbone):
                found = zip(batch.embeddings, batch.stats, strict=True)
                rows |= dict(zip(batch.image_ids, found, strict=True))
    except LibraryError:
        return {}
    return rows
