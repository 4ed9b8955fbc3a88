"""What the answers of a model were spread over (see `model.spreading`): the table `spreadings`.

Spread answers take the place of a model's own among its predictions, and the record is made in the same transaction.
Pictures that are predicted after that have the model's own until they are spread too. Its own follow from the stored
embeddings again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from classifier.catalog.values import to_bytes
from classifier.records import ImageId

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from classifier.catalog.connection import Catalog


@dataclass(frozen=True, slots=True, kw_only=True)
class Spreading:
    """`state` is a hash of what the answers follow from; `logits`, float32, what the held-out labels came to."""

    state: str
    logits: bytes | None


_LOCATIONS: Final = """
SELECT shard, row, picture FROM embeddings WHERE backbone = ? AND (
    EXISTS (SELECT 1 FROM files WHERE files.picture = embeddings.picture AND failure_kind IS NULL)
    OR EXISTS (SELECT 1 FROM places WHERE places.picture = embeddings.picture))
ORDER BY shard, row
"""

_LACKING: Final = """
SELECT count(*), coalesce(sum(NOT EXISTS (
    SELECT 1 FROM embeddings WHERE embeddings.picture = predictions.picture AND backbone = ?)), 0)
FROM predictions WHERE model = ? AND EXISTS (
    SELECT 1 FROM files WHERE files.picture = predictions.picture AND +crawl = ? AND +seen = ?)
"""


def spreading_of(catalog: Catalog, model: str) -> Spreading | None:
    """The last spreading of the answers of `model`; None where they are its own."""
    row = catalog.connection.execute("SELECT pictures, logits FROM spreadings WHERE model = ?", (model,)).fetchone()
    return None if row is None else Spreading(state=row[0], logits=row[1])


def answered(catalog: Catalog, model: str) -> str:
    """A hash of which images have an answer of `model`."""
    digest = hashlib.sha256()
    for (image_id,) in catalog.connection.execute(
        "SELECT picture FROM predictions WHERE model = ? ORDER BY picture", (model,)
    ):
        digest.update(bytes.fromhex(image_id))
    return digest.hexdigest()


def share_lacking(catalog: Catalog, *, model: str, backbone: str, crawl: Path, run: int) -> float:
    """The share of what `run` found in `crawl` and has an answer of `model` that has no stored embedding, 0..1."""
    values = (backbone, model, to_bytes(crawl), run)
    count, lacking = catalog.connection.execute(_LACKING, values).fetchone()
    return int(lacking) / count if count else 0.0


def locations(catalog: Catalog, *, backbone: str) -> list[tuple[int, int, ImageId]]:
    """Shard, row and image of each stored embedding of what a crawl or the library holds, by shard and row."""
    rows = catalog.connection.execute(_LOCATIONS, (backbone,))
    return [(shard, row, ImageId(image_id)) for shard, row, image_id in rows]


def record(catalog: Catalog, spreading: Spreading, answers: Iterable[tuple[ImageId, bytes]], *, model: str) -> None:
    """Put spread answers, as `predictions.logits_as_bytes` has them, in the place of those of `model`; at once."""
    with catalog.transaction() as connection:
        _put(catalog, answers, model=model)
        connection.execute(
            "INSERT OR REPLACE INTO spreadings VALUES (?, ?, ?)", (model, spreading.state, spreading.logits)
        )


def restore(catalog: Catalog, answers: Iterable[tuple[ImageId, bytes]], lost: Iterable[ImageId], *, model: str) -> None:
    """Put the own answers of `model` in the place of spread ones, and forget those of `lost`; at once."""
    with catalog.transaction() as connection:
        _put(catalog, answers, model=model)
        connection.executemany(
            "DELETE FROM predictions WHERE model = ? AND picture = ?", ((model, image_id) for image_id in lost)
        )
        connection.execute("DELETE FROM spreadings WHERE model = ?", (model,))


def _put(catalog: Catalog, answers: Iterable[tuple[ImageId, bytes]], *, model: str) -> None:
    catalog.connection.executemany(
        "UPDATE predictions SET logits = ? WHERE model = ? AND picture = ?",
        ((logits, model, image_id) for image_id, logits in answers),
    )
