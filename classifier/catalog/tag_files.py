"""Which files with tags illsort wrote beside filed images; paths are relative to the library.

An empty hash is that of a temporary file, which is recorded before it is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from classifier.catalog.values import to_bytes, to_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from classifier.catalog.connection import Catalog

_FILED: Final = """
SELECT places.path, decisions.category FROM places JOIN decisions ON decisions.picture = places.picture
WHERE decisions.action = 'file' AND places.path > ? ORDER BY places.path LIMIT ?
"""

_IS_FILED: Final = """
SELECT 1 FROM places JOIN decisions ON decisions.picture = places.picture
WHERE decisions.action = 'file' AND places.path = ?
"""

_WITH_EXTENSION: Final = """
SELECT places.path FROM places JOIN decisions ON decisions.picture = places.picture
WHERE decisions.action = 'file' AND places.path > ? AND places.path < ?
"""

_WRITTEN: Final = "SELECT DISTINCT path FROM tag_files WHERE path > ? ORDER BY path LIMIT ?"


def filed_images(catalog: Catalog, *, after: bytes, limit: int) -> list[tuple[Path, str]]:
    """The next `limit` filed images by path, after the path `after`: each with its category."""
    return [(to_path(path), str(category)) for path, category in catalog.connection.execute(_FILED, (after, limit))]


def count_filed(catalog: Catalog) -> int:
    """How many images are filed."""
    query = "SELECT count(*) FROM places JOIN decisions USING (picture) WHERE decisions.action = 'file'"
    return int(catalog.connection.execute(query).fetchone()[0])


def is_filed(catalog: Catalog, path: Path) -> bool:
    """Whether a filed image is recorded at this path of the library."""
    return catalog.connection.execute(_IS_FILED, (to_bytes(path),)).fetchone() is not None


def filed_with_extension(catalog: Catalog, name: Path) -> list[Path]:
    """The filed images whose path is `name` with an extension, or with several."""
    start = to_bytes(name)
    found = catalog.connection.execute(_WITH_EXTENSION, (start + b".", start + b"/"))  # no byte is between the two
    return [to_path(path) for (path,) in found]


def written(catalog: Catalog, *, part: int) -> Iterator[list[Path]]:
    """Every path of a file that illsort wrote, temporary ones too, in parts; they may be forgotten in between."""
    after = b""
    while paths := [path for (path,) in catalog.connection.execute(_WRITTEN, (after, part))]:
        after = paths[-1]
        yield [to_path(path) for path in paths]


def has_any(catalog: Catalog) -> bool:
    """Whether illsort wrote any."""
    return catalog.connection.execute(_WRITTEN, (b"", 1)).fetchone() is not None


def hashes_of(catalog: Catalog, path: Path) -> set[str]:
    """The hashes by which the file at `path` is known as ours; an empty one for a temporary file."""
    return {
        sha for (sha,) in catalog.connection.execute("SELECT sha256 FROM tag_files WHERE path = ?", (to_bytes(path),))
    }


def record(catalog: Catalog, hashes: Mapping[Path, str]) -> None:
    """Record files before they are written."""
    with catalog.transaction() as connection:
        connection.executemany(
            "INSERT OR IGNORE INTO tag_files VALUES (?, ?)", [(to_bytes(path), sha) for path, sha in hashes.items()]
        )


def keep_only(catalog: Catalog, hashes: Mapping[Path, str]) -> None:
    """Forget other contents of these files; of one without a hash, all."""
    with catalog.transaction() as connection:
        connection.executemany(
            "DELETE FROM tag_files WHERE path = ?1 AND (sha256 <> ?2 OR ?2 = '')",
            [(to_bytes(path), sha) for path, sha in hashes.items()],
        )


def forget(catalog: Catalog, paths: Iterable[Path]) -> None:
    """Forget files that are gone, or that a person changed."""
    keep_only(catalog, dict.fromkeys(paths, ""))
