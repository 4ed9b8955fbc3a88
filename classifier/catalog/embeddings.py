"""Where the embedding of each picture lies, and which pictures a model can answer for without reading them again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from classifier.catalog.chunked_query import rows_of
from classifier.catalog.connection import Catalogue
from classifier.catalog.moves import to_bytes
from classifier.catalog.spots import Spot, sizes
from classifier.records import PictureId

_NO_END = 1 << 62
_UNANSWERED = """
FROM embeddings WHERE backbone = :backbone AND shard BETWEEN :first AND :last
AND NOT EXISTS (SELECT 1 FROM predictions WHERE predictions.picture = embeddings.picture AND model = :model)
AND EXISTS (
    SELECT 1 FROM files WHERE files.picture = embeddings.picture AND +seen = :run AND +crawl = :crawl
    AND failure_kind IS NULL)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How many pictures have their embedding kept, and the bytes that takes, leftovers included."""

    pictures: int
    size_bytes: int


def add(catalogue: Catalogue, found: Iterable[tuple[PictureId, Spot]], *, backbone: str) -> None:
    """Record where embeddings lie that are durable there; the caller holds the transaction."""
    catalogue.connection.executemany(
        "INSERT OR REPLACE INTO embeddings (backbone, shard, row, picture) VALUES (?, ?, ?, ?)",
        ((backbone, spot.shard, spot.row, picture) for picture, spot in found),
    )


def last_spot(catalogue: Catalogue, backbone: str) -> Spot | None:
    """The last row that the catalogue knows of a backbone's; what lies behind it may be written over."""
    row = catalogue.connection.execute(
        "SELECT shard, row FROM embeddings WHERE backbone = ? ORDER BY shard DESC, row DESC LIMIT 1", (backbone,)
    ).fetchone()
    return None if row is None else Spot(shard=row[0], row=row[1])


def unanswered(
    catalogue: Catalogue, *, run: int, crawl: Path, backbone: str, model: str
) -> Iterator[tuple[int, list[tuple[int, PictureId]]]]:
    """What `run` found in `crawl` and `model` has not answered for: each shard with row and picture, by row."""
    values = {"run": run, "crawl": to_bytes(crawl), "backbone": backbone, "model": model, "first": 0, "last": _NO_END}
    connection = catalogue.connection
    if connection.execute(f"SELECT 1 {_UNANSWERED} LIMIT 1", values).fetchone() is None:
        return
    last = last_spot(catalogue, backbone)
    for shard in range(1, last.shard + 1 if last else 1):
        rows = connection.execute(
            f"SELECT row, picture {_UNANSWERED} ORDER BY row", values | {"first": shard, "last": shard}
        )
        found = [(row, PictureId(picture)) for row, picture in rows]
        if found:
            yield shard, found


def spots(catalogue: Catalogue, *, backbone: str) -> Iterator[tuple[int, list[tuple[int, PictureId]]]]:
    """Everything that is kept of a backbone's: each shard with row and picture, by row."""
    rows = catalogue.connection.execute(
        "SELECT shard, row, picture FROM embeddings WHERE backbone = ? ORDER BY shard, row", (backbone,)
    )
    for shard, of_it in groupby(rows, key=itemgetter(0)):
        yield shard, [(row, PictureId(picture)) for _, row, picture in of_it]


def spots_of(
    catalogue: Catalogue, pictures: Sequence[PictureId], *, backbone: str
) -> Iterator[tuple[int, int, PictureId]]:
    """Shard, row and picture of each of `pictures` whose embedding is kept, in no order."""
    query = "SELECT shard, row, picture FROM embeddings WHERE backbone = ? AND picture IN {pictures}"
    for shard, row, picture in rows_of(catalogue, query, pictures, before=(backbone,)):
        yield int(shard), int(row), PictureId(picture)


def kept(catalogue: Catalogue, library: Path) -> Kept:
    """How large the store is; raises OSError where its folder may not be read."""
    (count,) = catalogue.connection.execute("SELECT count(DISTINCT picture) FROM embeddings").fetchone()
    return Kept(pictures=count, size_bytes=sum(sizes(library).values()))
