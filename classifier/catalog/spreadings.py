"""What the answers of a model were spread over (see `model.spreading`): the table `spreadings`.

Spread answers take the place of a model's own among its predictions, and the record is made in the same transaction:
so after a kill either all answers are spread or none. Its own follow from the stored embeddings again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from classifier.records import ImageId

if TYPE_CHECKING:
    from collections.abc import Iterable

    from classifier.catalog.connection import Catalog


@dataclass(frozen=True, slots=True, kw_only=True)
class Spreading:
    """`pictures` is a hash of the images with an answer; `logits`, float32, what the held-out labels came to."""

    pictures: str
    logits: bytes | None


_LOCATIONS: Final = """
SELECT shard, row, embeddings.picture FROM predictions CROSS JOIN embeddings
ON embeddings.picture = predictions.picture AND embeddings.backbone = ?
WHERE predictions.model = ? ORDER BY shard, row
"""


def spreading_of(catalog: Catalog, model: str) -> Spreading | None:
    """The last spreading of the answers of `model`; None where they are its own."""
    row = catalog.connection.execute("SELECT pictures, logits FROM spreadings WHERE model = ?", (model,)).fetchone()
    return None if row is None else Spreading(pictures=row[0], logits=row[1])


def answered(catalog: Catalog, model: str) -> tuple[int, str]:
    """How many images have an answer of `model`, and a hash of which they are."""
    count, digest = 0, hashlib.sha256()
    for (image_id,) in catalog.connection.execute(
        "SELECT picture FROM predictions WHERE model = ? ORDER BY picture", (model,)
    ):
        count += 1
        digest.update(bytes.fromhex(image_id))
    return count, digest.hexdigest()


def locations(catalog: Catalog, *, model: str, backbone: str) -> list[tuple[int, int, ImageId]]:
    """Shard, row and image of each stored embedding of an image that has an answer of `model`, by shard and row."""
    rows = catalog.connection.execute(_LOCATIONS, (backbone, model))
    return [(shard, row, ImageId(image_id)) for shard, row, image_id in rows]


def record(catalog: Catalog, spreading: Spreading, answers: Iterable[tuple[ImageId, bytes]], *, model: str) -> None:
    """Put spread answers, as `predictions.logits_as_bytes` has them, in the place of those of `model`; at once."""
    with catalog.transaction() as connection:
        connection.executemany(
            "UPDATE predictions SET logits = ? WHERE model = ? AND picture = ?",
            ((logits, model, image_id) for image_id, logits in answers),
        )
        connection.execute(
            "INSERT OR REPLACE INTO spreadings VALUES (?, ?, ?)", (model, spreading.pictures, spreading.logits)
        )
