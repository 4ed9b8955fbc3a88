"""Which embeddings are stored and where: shard and row of each image, by backbone. Imports no numpy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from classifier.catalog.filesystem import state_folder
from classifier.catalog.moved_images import MOVED_OUT, moved_values
from classifier.catalog.values import select_many, to_bytes
from classifier.records import ImageId

if TYPE_CHECKING:
    from classifier.catalog.connection import Catalog

_FOLDER = "embeddings"
LOOKS: Final = "looks-1"
"""What stands for the backbone of looks (`catalog.looks`); another kind of look has another name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowLocation:
    """Shard and row of one embedding."""

    shard: int
    row: int


def embeddings_folder(library: Path, backbone: str) -> Path:
    """The folder of one backbone's shards; it need not exist."""
    return state_folder(library) / _FOLDER / backbone


def sizes_by_backbone(library: Path) -> dict[str, int]:
    """Bytes of each backbone's shards on the disk."""
    folder = state_folder(library) / _FOLDER
    found = folder.iterdir() if folder.is_dir() else ()
    return {one.name: sum(file.stat().st_size for file in one.glob("*.rows")) for one in found if one.is_dir()}


_NO_END = 1 << 62

_WITHOUT_PREDICTION = f"""
FROM embeddings WHERE backbone = :backbone AND shard BETWEEN :first AND :last
AND NOT EXISTS (SELECT 1 FROM predictions WHERE predictions.picture = embeddings.picture AND model = :model)
AND (EXISTS (
    SELECT 1 FROM files WHERE files.picture = embeddings.picture AND +seen = :run AND +crawl = :crawl
    AND failure_kind IS NULL)
  OR EXISTS (SELECT 1 FROM places WHERE places.picture = embeddings.picture AND {MOVED_OUT}))
"""  # noqa: S608 - a constant


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreStats:
    """How many images have a stored embedding, and the bytes that the store takes, leftovers included."""

    pictures: int
    size_bytes: int


def add(catalog: Catalog, found: Iterable[tuple[ImageId, RowLocation]], *, backbone: str) -> None:
    """Record where durably written embeddings are; the caller holds the transaction."""
    catalog.connection.executemany(
        "INSERT OR REPLACE INTO embeddings (backbone, shard, row, picture) VALUES (?, ?, ?, ?)",
        ((backbone, location.shard, location.row, image_id) for image_id, location in found),
    )


def last_row(catalog: Catalog, backbone: str) -> RowLocation | None:
    """The last recorded row of a backbone; rows after it may be overwritten."""
    row = catalog.connection.execute(
        "SELECT shard, row FROM embeddings WHERE backbone = ? ORDER BY shard DESC, row DESC LIMIT 1", (backbone,)
    ).fetchone()
    return None if row is None else RowLocation(shard=row[0], row=row[1])


def newest(catalog: Catalog, backbone: str, *, count: int) -> list[ImageId]:
    """The images whose embeddings were stored last, the newest first."""
    rows = catalog.connection.execute(
        "SELECT picture FROM embeddings WHERE backbone = ? ORDER BY shard DESC, row DESC LIMIT ?", (backbone, count)
    )
    return [ImageId(image_id) for (image_id,) in rows]


def without_prediction(
    catalog: Catalog, *, run: int, crawl: Path, backbone: str, model: str
) -> Iterator[tuple[int, list[tuple[int, ImageId]]]]:
    """Stored embeddings without a prediction of `model`: shard, then rows and images.

    Of what `run` found in `crawl`, and of what was moved out of it.
    """
    values = {"run": run, "crawl": to_bytes(crawl), "backbone": backbone, "model": model, "first": 0, "last": _NO_END}
    values |= moved_values(crawl)
    connection = catalog.connection
    if connection.execute(f"SELECT 1 {_WITHOUT_PREDICTION} LIMIT 1", values).fetchone() is None:
        return
    last = last_row(catalog, backbone)
    for shard in range(1, last.shard + 1 if last else 1):
        rows = connection.execute(
            f"SELECT row, picture {_WITHOUT_PREDICTION} ORDER BY row", values | {"first": shard, "last": shard}
        )
        found = [(row, ImageId(image_id)) for row, image_id in rows]
        if found:
            yield shard, found


def decided_rows(catalog: Catalog, backbone: str, actions: Sequence[str]) -> list[tuple[int, int, str, str]]:
    """Shard, row, image and action of every image with one of these actions and a stored embedding, by row."""
    marks = ", ".join("?" for _ in actions)
    return catalog.connection.execute(
        "SELECT e.shard, e.row, d.picture, d.action FROM decisions AS d "  # noqa: S608 - only marks
        "CROSS JOIN embeddings AS e ON e.picture = d.picture AND e.backbone = ? "
        f"WHERE d.action IN ({marks}) ORDER BY e.shard, e.row",
        (backbone, *actions),
    ).fetchall()


def locations_of(
    catalog: Catalog, image_ids: Sequence[ImageId], *, backbone: str
) -> Iterator[tuple[int, int, ImageId]]:
    """Shard, row and image of those of `image_ids` that have a stored embedding, in no order."""
    query = "SELECT shard, row, picture FROM embeddings WHERE backbone = ? AND picture IN {pictures}"
    for shard, row, image_id in select_many(catalog, query, image_ids, before=(backbone,)):
        yield int(shard), int(row), ImageId(image_id)


def count_lacking(catalog: Catalog, backbone: str) -> int:
    """How many images that lie in the library and were decoded have no stored row under that name."""
    query = (
        "SELECT count(*) FROM places JOIN pictures ON pictures.id = places.picture WHERE NOT EXISTS ("
        "SELECT 1 FROM embeddings WHERE embeddings.picture = places.picture AND backbone = ?)"
    )
    (count,) = catalog.connection.execute(query, (backbone,)).fetchone()
    return int(count)


def store_stats(catalog: Catalog, library: Path) -> StoreStats:
    """The size of the store; raises OSError if its folder cannot be read."""
    (count,) = catalog.connection.execute("SELECT count(DISTINCT picture) FROM embeddings").fetchone()
    return StoreStats(pictures=count, size_bytes=sum(sizes_by_backbone(library).values()))
