"""Links in a library that a sort may take away: they lead nowhere, or their file is filed under another content."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from classifier.catalog.library_changes import ChangeKind
from classifier.catalog.moves import PLACE_COLUMNS, as_place, to_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from classifier.catalog.connection import Catalog
    from classifier.catalog.moves import LibraryFile

_LINKS = f"""
SELECT {", ".join(f"missing.{name}" for name in PLACE_COLUMNS)}, max(moves.id) FROM missing
JOIN moves ON moves.picture = missing.picture AND moves.beside IS missing.beside AND moves.state = 'done'
    AND moves.method IN ('link', 'copy', 'symlink')
WHERE what = ? AND missing.method IN ('link', 'symlink') AND {{condition}} GROUP BY missing.id
"""  # noqa: S608 - our own field names
_FOUND = "coalesce(missing.beside, missing.picture) IN (SELECT picture FROM files WHERE crawl = ? AND seen = ?)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Removable:
    """A link as it was placed, and the id of the change that made it."""

    place: LibraryFile
    made_by: int


def dangling_links(catalog: Catalog, *, run: int, crawl: Path) -> list[Removable]:
    """Symbolic links whose original is gone, of pictures that `run` found in `crawl` under another name."""
    return list(_links(catalog, _FOUND, (ChangeKind.DANGLING.value, to_bytes(crawl), run)))


def changed_links(catalog: Catalog) -> list[Removable]:
    """Links to files of the crawl that hold another content than was filed."""
    return list(_links(catalog, "missing.beside IS NULL", (ChangeKind.REPLACED.value,)))


def place_of_inode(catalog: Catalog, inode: int) -> LibraryFile | None:
    """The picture whose place is a name of this file; of several, any."""
    return _one(catalog, "inode", str(inode))


def place_from(catalog: Catalog, source: bytes) -> LibraryFile | None:
    """The picture that came from this file of the crawl."""
    return _one(catalog, "source", source)


def made_by(catalog: Catalog, sidecar: LibraryFile) -> int | None:
    """The id of the change that brought a sidecar to its place from the crawl."""
    (number,) = catalog.connection.execute(
        "SELECT max(id) FROM moves WHERE beside = ? AND source = ? AND picture = ? AND state = 'done'",
        (sidecar.beside, sidecar.source, sidecar.picture),
    ).fetchone()
    return None if number is None else int(number)


def drop_missing(catalog: Catalog, places: Sequence[LibraryFile]) -> None:
    """These are missing no more: what lay there was taken away."""
    with catalog.transaction() as connection:
        connection.executemany(
            "DELETE FROM missing WHERE picture = ? AND path = ?", [(place.picture, place.path) for place in places]
        )


def _links(catalog: Catalog, condition: str, values: Sequence[Any]) -> Iterator[Removable]:
    for *row, made_by in catalog.connection.execute(_LINKS.format(condition=condition), values):
        yield Removable(place=as_place(PLACE_COLUMNS, row), made_by=made_by)


def _one(catalog: Catalog, column: str, value: str | bytes) -> LibraryFile | None:
    names = ", ".join(PLACE_COLUMNS[:-1])
    row = catalog.connection.execute(
        f"SELECT {names}, NULL FROM places WHERE {column} = ? LIMIT 1",  # noqa: S608 - our own names
        (value,),
    ).fetchone()
    return None if row is None else as_place(PLACE_COLUMNS, row)
