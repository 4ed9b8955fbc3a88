"""Predictions: a model's logits for each image, and the pages in which a run decides about them.

Images already in the library come in the order of their ids, as the catalog stores them; those to be filed from the
crawl come by path.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from classifier.catalog.library_changes import DELETED
from classifier.catalog.moved_images import MOVED_OUT, moved_values
from classifier.catalog.values import select_many, to_bytes, to_image_file, to_path
from classifier.records import ImageFile, ImageId

if TYPE_CHECKING:
    from classifier.catalog.connection import Catalog

_FORGET = """
DELETE FROM predictions WHERE model = ? AND EXISTS (
    SELECT 1 FROM embeddings WHERE embeddings.picture = predictions.picture AND backbone = ?)
"""


def add_logits(
    catalog: Catalog, image_id: ImageId, *, model: str, logits: NDArray[np.float32], novelty: float | None = None
) -> None:
    """Record a model's logits, float32 (K,), for an image, and its OOD score.

    The caller holds the transaction.
    """
    catalog.connection.execute(
        "INSERT OR REPLACE INTO predictions (picture, model, logits, novelty) VALUES (?, ?, ?, ?)",
        (image_id, model, logits.astype("<f4").tobytes(), novelty),
    )


def logits_as_bytes(logits: NDArray[np.float32]) -> list[bytes]:
    """Each row of logits, float32 (N, K), as stored."""
    width, content = logits.shape[1] * 4, logits.astype("<f4").tobytes()
    return [content[start : start + width] for start in range(0, len(content), width)]


def add_many_logits(catalog: Catalog, answers: Iterable[tuple[ImageId, bytes, float | None]], *, model: str) -> None:
    """The same for many images: each with its logits from `logits_as_bytes` and its OOD score.

    The caller holds the transaction; fastest in the order of the image ids.
    """
    catalog.connection.executemany(
        "INSERT OR REPLACE INTO predictions (picture, model, logits, novelty) VALUES (?, ?, ?, ?)",
        ((image_id, model, logits, novelty) for image_id, logits, novelty in answers),
    )


def forget_predictions(catalog: Catalog, models: Iterable[tuple[str, str]]) -> int:
    """Delete predictions of `models` (each with its backbone) that can be computed again from stored embeddings.

    Returns how many were deleted.
    """
    count = 0
    with catalog.transaction() as connection:
        for model, backbone in models:
            connection.execute("DELETE FROM spreadings WHERE model = ?", (model,))
            count += connection.execute(_FORGET, (model, backbone)).rowcount
    return count


class PredictionRow(NamedTuple):
    """The prediction of an image, and its file in the library as it was placed there.

    A plain tuple: there are hundreds of thousands, and paths are built only for the few that are moved.
    """

    image_id: ImageId
    truncated: int
    scores: bytes
    """Logits, little-endian float32 (K,)."""
    novelty: float | None
    """The OOD score; None if the model has no OOD detector."""
    place_path: bytes | None
    """Relative to the library; None, like the rest, when the image is not in it."""
    size_bytes: int
    mtime_ns: int
    inode: str
    device: str
    path: bytes = b""
    """The first file of the crawl with this image, by path; set, like their number, for images in the library.

    None are left of an image that was moved out of the crawl: then it is the path where it was.
    """
    files: int = 0

    def place_in(self, library: Path) -> ImageFile:
        """The file in the library as it was placed. Raises ValueError when the image is not in it."""
        if self.place_path is None:
            raise ValueError(f"not in the library: {self.image_id}")
        return to_image_file(library / os.fsdecode(self.place_path), *self[5:9])


class Candidate:
    """A file of the crawl whose image has a prediction."""

    __slots__ = ("_file", "prediction")

    def __init__(self, file: tuple[Any, ...], prediction: PredictionRow) -> None:
        self._file = file
        self.prediction = prediction

    @property
    def path(self) -> bytes:
        """The file's path."""
        return bytes(self._file[0])

    @property
    def file(self) -> ImageFile:
        """The file of the crawl as it was when it was read."""
        return to_image_file(to_path(self.path), *self._file[1:5])


_COLUMNS = """
pictures.id, pictures.truncated, predictions.logits, predictions.novelty,
places.path, places.size_bytes, places.mtime_ns, places.inode, places.device
"""

# The plus signs keep SQLite from other indexes, which would sort the whole crawl for each page.
_OF_RUN = "+crawl = :crawl AND +seen = :run AND failure_kind IS NULL"

_MAKE_PLACED = "CREATE TEMP TABLE IF NOT EXISTS placed (picture TEXT PRIMARY KEY) WITHOUT ROWID"

_KEEP_PLACED = """
INSERT INTO temp.placed SELECT places.picture FROM main.places
CROSS JOIN predictions ON predictions.picture = places.picture AND predictions.model = :model
ORDER BY places.picture
"""

_KEEP_DELETED = f"INSERT OR IGNORE INTO temp.placed {DELETED}"

_PLACED = f"""
SELECT {_COLUMNS}, coalesce(min(files.path), places.source), count(files.path) FROM main.places
CROSS JOIN pictures ON pictures.id = places.picture
CROSS JOIN predictions ON predictions.picture = places.picture AND predictions.model = :model
LEFT JOIN files INDEXED BY files_by_picture ON files.picture = places.picture AND {_OF_RUN}
WHERE places.picture > :after AND (files.path IS NOT NULL OR {MOVED_OUT})
GROUP BY places.picture ORDER BY places.picture LIMIT :limit
"""  # noqa: S608 - built from constants of this module

_READABLE = f"""
SELECT (SELECT count(*) FROM files NOT INDEXED WHERE {_OF_RUN})
     - (SELECT count(*) FROM files INDEXED BY files_by_picture WHERE {_OF_RUN} AND picture IN ({DELETED}))
"""  # noqa: S608

_FILES = f"""
SELECT path, size_bytes, mtime_ns, inode, device, picture FROM files
WHERE {_OF_RUN} AND picture IS NOT NULL AND path > :after AND (:upto IS NULL OR path <= :upto)
  AND NOT EXISTS (SELECT 1 FROM temp.placed WHERE placed.picture = files.picture)
ORDER BY path LIMIT :limit
"""  # noqa: S608

_SEEN = f"""
SELECT {_COLUMNS} FROM pictures
JOIN predictions ON predictions.picture = pictures.id AND predictions.model = ?
LEFT JOIN places ON places.picture = pictures.id
WHERE pictures.id IN {{pictures}}
"""  # noqa: S608

_OF_IMAGES = f"""
SELECT {_COLUMNS} FROM pictures
JOIN predictions ON predictions.picture = pictures.id AND predictions.model = ?
LEFT JOIN places ON places.picture = pictures.id
WHERE (EXISTS (SELECT 1 FROM files INDEXED BY files_by_picture
    WHERE files.picture = pictures.id AND +crawl = ? AND +seen = ? AND failure_kind IS NULL)
  OR {MOVED_OUT.replace(":inside", "?").replace(":beyond", "?")})
AND pictures.id NOT IN ({DELETED}) AND pictures.id IN {{pictures}}
"""  # noqa: S608

_COUNT = f"""
SELECT count(*) FROM files WHERE {_OF_RUN} AND path > :after
  AND NOT EXISTS (SELECT 1 FROM temp.placed WHERE placed.picture = files.picture)
"""  # noqa: S608


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionPage:
    """Some files in the order of their paths: those with a prediction, and the `last` path."""

    candidates: list[Candidate]
    last: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class CrawlQuery:
    """The predictions of one model for what one run found in one crawl, or was moved out of it."""

    catalog: Catalog
    run: int
    crawl: Path
    model: str

    def next_placed(self, *, after: str, limit: int) -> list[PredictionRow]:
        """The next `limit` images after `after` that are in the library, by id; also those moved out of the crawl."""
        values = self._values(after=after, limit=limit) | moved_values(self.crawl)
        rows = self.catalog.connection.execute(_PLACED, values)
        return list(map(PredictionRow._make, rows))

    def leave_out_placed(self, *, files: int) -> bool:
        """Exclude what `next_placed` returned (`files` files) and what was deleted from `next_files`.

        Returns whether any readable files are left; call `next_files` only if so.
        """
        connection = self.catalog.connection
        if connection.execute(_READABLE, self._values()).fetchone() == (files,):
            return False
        connection.execute(_MAKE_PLACED)
        connection.execute("DELETE FROM temp.placed")
        connection.execute(_KEEP_PLACED, self._values())
        connection.execute(_KEEP_DELETED)
        return True

    def next_files(self, *, after: bytes, upto: bytes | None, limit: int) -> PredictionPage | None:
        """The next `limit` remaining files by path, after `after` and up to `upto`; None at the end."""
        found = self.catalog.connection.execute(_FILES, self._values(after=after, upto=upto, limit=limit)).fetchall()
        if not found:
            return None
        # In the order of the ids, as the catalog stores them.
        wanted = sorted({row[5] for row in found})
        by_id = {row[0]: PredictionRow(*row) for row in select_many(self.catalog, _SEEN, wanted, before=(self.model,))}
        return PredictionPage(
            candidates=[Candidate(row, by_id[row[5]]) for row in found if row[5] in by_id], last=found[-1][0]
        )

    def of_images(self, image_ids: Sequence[ImageId]) -> list[PredictionRow]:
        """The predictions for those of these images that are to be decided in this run."""
        before = (self.model, to_bytes(self.crawl), self.run, *moved_values(self.crawl).values())
        return [PredictionRow(*row) for row in select_many(self.catalog, _OF_IMAGES, image_ids, before=before)]

    def count_files(self, *, after: bytes) -> int:
        """How many readable files remain after the path `after`."""
        (count,) = self.catalog.connection.execute(_COUNT, self._values(after=after)).fetchone()
        return int(count)

    def _values(self, **further: Any) -> dict[str, Any]:
        return {"run": self.run, "crawl": to_bytes(self.crawl), "model": self.model, **further}


def logits_of(found: Sequence[PredictionRow]) -> NDArray[np.float32]:
    """The logits of at least one prediction, float32 (N, K)."""
    return np.frombuffer(b"".join([one.scores for one in found]), "<f4").reshape(len(found), -1)
