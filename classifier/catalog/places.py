"""Where images and their sidecars are in the library, as last recorded: the tables `places` and `sidecars`."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

from classifier.catalog.values import column_of, field_of, to_bytes
from classifier.records import ImageId, Method

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import Any

    from classifier.catalog.connection import Catalog


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryFile:
    """A file in the library: `path` within the library, with "/"; size, time, inode and device from the file system.

    `source` is the path in the crawl it came from, and `method` how it got into the library. `beside` is set for a
    sidecar only: the image it belongs to.
    """

    image_id: ImageId
    path: bytes
    method: Method
    source: bytes
    size_bytes: int
    mtime_ns: int
    inode: int
    device: int
    beside: ImageId | None = None


PLACE_COLUMNS = tuple(column_of(field.name) for field in fields(LibraryFile))
_KNOWN_PATH = """
SELECT 1 FROM places WHERE path = ?1 UNION ALL SELECT 1 FROM sidecars WHERE path = ?1
UNION ALL SELECT 1 FROM listings WHERE name = ?2 AND sha256 <> ''
UNION ALL SELECT 1 FROM missing WHERE path = ?1 AND what <> 'deleted'
UNION ALL SELECT 1 FROM tag_files WHERE path = ?1 AND sha256 <> ''
"""
_IMAGE_COLUMNS = PLACE_COLUMNS[:-1]  # the table `places` has no `beside`


def add_places(catalog: Catalog, places: Sequence[LibraryFile], *, renamed: bool) -> None:
    """Record where files are in the library, all or none."""
    with catalog.transaction():
        for place in places:
            write_place(catalog, place, renamed=renamed)


def write_place(catalog: Catalog, place: LibraryFile, *, renamed: bool) -> None:
    """Record where a file is; a `renamed` one keeps its method and source. The caller holds the transaction."""
    if place.beside is not None:
        _write_sidecar(catalog, place, renamed=renamed)
        return
    known = place_of(catalog, place.image_id) if renamed else None
    if known is not None:
        place = replace(place, method=known.method, source=known.source)
    _insert(catalog, "places", _IMAGE_COLUMNS, place)


def remove_place(catalog: Catalog, image_id: ImageId, path: bytes, *, is_sidecar: bool) -> None:
    """Record that a file has left the library; the caller holds the transaction."""
    if is_sidecar:
        catalog.connection.execute("DELETE FROM sidecars WHERE path = ?", (path,))
    else:
        catalog.connection.execute("DELETE FROM places WHERE picture = ? AND path = ?", (image_id, path))


def place_of(catalog: Catalog, image_id: ImageId) -> LibraryFile | None:
    """The file of an image in the library."""
    return _one_image(catalog, "picture", image_id)


def place_of_inode(catalog: Catalog, inode: int) -> LibraryFile | None:
    """An image's file in the library with this inode; any of several hard links."""
    return _one_image(catalog, "inode", str(inode))


def place_from(catalog: Catalog, source: bytes) -> LibraryFile | None:
    """The image in the library that came from this file of the crawl."""
    return _one_image(catalog, "source", source)


def place_at(catalog: Catalog, path: bytes) -> LibraryFile | None:
    """The file recorded at this path of the library, an image or a sidecar."""
    return _one_image(catalog, "path", path) or _one_sidecar(catalog, "path", path)


def is_place(catalog: Catalog, path: bytes) -> bool:
    """Whether an image is recorded at this path of the library."""
    return catalog.connection.execute("SELECT 1 FROM places WHERE path = ?", (path,)).fetchone() is not None


def all_places(catalog: Catalog) -> Iterator[LibraryFile]:
    """Every image in the library, then every sidecar, by path."""
    for names, table in ((_IMAGE_COLUMNS, "places"), (PLACE_COLUMNS, "sidecars")):
        rows = catalog.connection.execute(f"SELECT {', '.join(names)} FROM {table} ORDER BY path")  # noqa: S608
        for row in rows:
            yield as_place(names, row)


def count_places(catalog: Catalog) -> int:
    """How many images and sidecars are in the library."""
    query = "SELECT (SELECT count(*) FROM places) + (SELECT count(*) FROM sidecars)"
    (count,) = catalog.connection.execute(query).fetchone()
    return int(count)


def count_places_in(catalog: Catalog, folder: bytes) -> int:
    """How many images are in a folder of the library, at any depth."""
    query = "SELECT count(*) FROM places WHERE path > ? AND path < ?"
    (count,) = catalog.connection.execute(query, (folder + b"/", folder + b"0")).fetchone()  # "0" follows "/"
    return int(count)


def sidecars_of(catalog: Catalog, image_id: ImageId) -> list[LibraryFile]:
    """The sidecars of an image in the library, by path."""
    rows = catalog.connection.execute(
        f"SELECT {', '.join(PLACE_COLUMNS)} FROM sidecars WHERE beside = ? ORDER BY path",  # noqa: S608
        (image_id,),
    )
    return [as_place(PLACE_COLUMNS, row) for row in rows]


def sidecar_from(catalog: Catalog, source: Path) -> LibraryFile | None:
    """The sidecar in the library that came from this file of the crawl."""
    return _one_sidecar(catalog, "source", to_bytes(source))


def known_paths(catalog: Catalog) -> set[bytes]:
    """Every path in the library of an image, a sidecar, a generated list or a file with tags."""
    rows = catalog.connection.execute(
        "SELECT path FROM places UNION ALL SELECT path FROM sidecars UNION ALL SELECT path FROM tag_files"
    )
    lists = catalog.connection.execute("SELECT name FROM listings")
    return {path for (path,) in rows} | {os.fsencode(name) for (name,) in lists}


def is_known_path(catalog: Catalog, path: bytes, name: str) -> bool:
    """Whether an image, a sidecar, a generated list called `name`, or a file that a person put in place is recorded."""
    row = catalog.connection.execute(_KNOWN_PATH, (path, name)).fetchone()
    return row is not None


def is_listing(catalog: Catalog, name: str, sha256: str) -> bool:
    """Whether illsort wrote a list of this name and content."""
    query = "SELECT 1 FROM listings WHERE name = ? AND sha256 = ?"
    return catalog.connection.execute(query, (name, sha256)).fetchone() is not None


def add_listing(catalog: Catalog, name: str, sha256: str) -> None:
    """Record a list before it is written."""
    with catalog.transaction() as connection:
        connection.execute("INSERT OR IGNORE INTO listings VALUES (?, ?)", (name, sha256))


def keep_listing(catalog: Catalog, name: str, sha256: str, *, temporary: str) -> None:
    """Forget other contents of a list, and its temporary file."""
    with catalog.transaction() as connection:
        connection.execute("DELETE FROM listings WHERE name = ? AND sha256 <> ?", (name, sha256))
        connection.execute("DELETE FROM listings WHERE name = ?", (temporary,))


def as_place(names: Sequence[str], row: Sequence[Any]) -> LibraryFile:
    """A row with these columns as a LibraryFile."""
    values = {field_of(name): value for name, value in zip(names, row, strict=True)}
    parsed = {"method": Method(values["method"]), "inode": int(values["inode"]), "device": int(values["device"])}
    return LibraryFile(**values | parsed)


def as_row(place: LibraryFile) -> tuple[Any, ...]:
    """The values of a LibraryFile in the order of PLACE_COLUMNS."""
    values = {name: getattr(place, field_of(name)) for name in PLACE_COLUMNS}
    values |= {"method": place.method.value, "inode": str(place.inode), "device": str(place.device)}
    return tuple(values.values())


def _write_sidecar(catalog: Catalog, place: LibraryFile, *, renamed: bool) -> None:
    known = _one_sidecar(catalog, "path", place.source) if renamed else None
    if known is not None:
        catalog.connection.execute("DELETE FROM sidecars WHERE path = ?", (known.path,))
        place = replace(place, method=known.method, source=known.source)
    _insert(catalog, "sidecars", PLACE_COLUMNS, place)


def _insert(catalog: Catalog, table: str, names: Sequence[str], place: LibraryFile) -> None:
    # REPLACE also drops the row of an image that was once at this path.
    catalog.connection.execute(
        f"INSERT OR REPLACE INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' for _ in names)})",  # noqa: S608
        as_row(place)[: len(names)],
    )


def _one_image(catalog: Catalog, column: str, value: str | bytes) -> LibraryFile | None:
    row = catalog.connection.execute(
        f"SELECT {', '.join(_IMAGE_COLUMNS)} FROM places WHERE {column} = ? LIMIT 1",  # noqa: S608 - our own names
        (value,),
    ).fetchone()
    return None if row is None else as_place(_IMAGE_COLUMNS, row)


def _one_sidecar(catalog: Catalog, column: str, value: bytes) -> LibraryFile | None:
    row = catalog.connection.execute(
        f"SELECT {', '.join(PLACE_COLUMNS)} FROM sidecars WHERE {column} = ?",  # noqa: S608 - our own names
        (value,),
    ).fetchone()
    return None if row is None else as_place(PLACE_COLUMNS, row)
