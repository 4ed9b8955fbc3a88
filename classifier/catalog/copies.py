"""The groups of copies: the table `copies`. Which member is the best is not stored: it follows from what else is known.

A group has the id of its first image, the best when it was found. Groups are facts about images, so no undo changes
them. `kept` is set for what a person wants filed by itself, until a new copy joins the group.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from classifier.catalog.embeddings import LOOKS
from classifier.catalog.library_changes import DELETED, RemovableLink
from classifier.catalog.places import PLACE_COLUMNS, as_place
from classifier.catalog.values import select_many, to_bytes, to_path
from classifier.records import ImageId

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from classifier.catalog.connection import Catalog


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMember:
    """An image of the group `first`. `rank` is lower for the better: whole, then large, then little compressed."""

    image_id: ImageId
    first: ImageId
    is_kept: bool
    rank: tuple[bool, int, int, str]
    is_placed: bool


_MEMBERS: Final = """
SELECT copies.picture, first, kept, coalesce(pictures.truncated, 0), coalesce(width * height, 0),
    coalesce(pictures.size_bytes, 0), places.picture IS NOT NULL
FROM copies LEFT JOIN pictures ON pictures.id = copies.picture LEFT JOIN places ON places.picture = copies.picture
WHERE first IN (SELECT first FROM copies WHERE picture IN {pictures})
"""

_PLACED: Final = "SELECT one.picture FROM ({of_which}) AS one CROSS JOIN places ON places.picture = one.picture"
_DUPLICATES: Final = "SELECT picture FROM decisions WHERE action = 'duplicate'"
_COPIES: Final = f"SELECT picture FROM copies UNION {_DUPLICATES}"  # noqa: S608 - a constant

_NAMES: Final = """
SELECT copies.picture, coalesce(
    (SELECT min(path) FROM files WHERE files.picture = copies.picture),
    (SELECT path FROM places WHERE places.picture = copies.picture))
FROM copies WHERE copies.picture IN {pictures}
"""

_NOT_COMPARED: Final = """
SELECT picture FROM embeddings AS look WHERE backbone = ? AND NOT EXISTS (
    SELECT 1 FROM embeddings AS hash WHERE hash.picture = look.picture AND hash.backbone = ?)
ORDER BY shard, row
"""

_WITHOUT_LOOK: Final = f"""
SELECT pictures.id, coalesce(min(found.file), min(found.place)) FROM (
    SELECT picture, NULL AS file, path AS place FROM places UNION ALL
    SELECT picture, path, NULL FROM files WHERE +crawl = ?1 AND +seen = ?2 AND failure_kind IS NULL
) AS found JOIN pictures ON pictures.id = found.picture
WHERE NOT EXISTS (SELECT 1 FROM embeddings WHERE embeddings.picture = pictures.id AND backbone = ?3)
AND pictures.id NOT IN ({DELETED}) GROUP BY pictures.id ORDER BY 2
"""  # noqa: S608 - a constant

_FILED_COPIES = f"""
SELECT {", ".join(f"places.{name}" for name in PLACE_COLUMNS[:-1])}, max(moves.id) FROM decisions
JOIN places ON places.picture = decisions.picture AND places.method IN ('link', 'copy', 'symlink')
JOIN moves ON moves.picture = places.picture AND moves.beside IS NULL AND moves.state = 'done'
    AND moves.source = places.source AND moves.method = places.method
WHERE decisions.action = 'duplicate' AND decisions.reason_code = 'copy_of' GROUP BY places.picture
"""  # noqa: S608 - our own field names


def groups_of(catalog: Catalog, image_ids: Sequence[ImageId]) -> dict[ImageId, list[GroupMember]]:
    """The groups in which these images are, by their first image."""
    found: dict[ImageId, dict[ImageId, GroupMember]] = {}
    for image_id, first, kept, truncated, pixels, size_bytes, is_placed in select_many(catalog, _MEMBERS, image_ids):
        found.setdefault(first, {})[image_id] = GroupMember(
            image_id=image_id,
            first=first,
            is_kept=bool(kept),
            rank=(bool(truncated), -pixels, -size_bytes, image_id),
            is_placed=bool(is_placed),
        )
    return {first: list(members.values()) for first, members in found.items()}


def all_members(catalog: Catalog) -> frozenset[ImageId]:
    """Every image in a group."""
    return frozenset(ImageId(image_id) for (image_id,) in catalog.connection.execute("SELECT picture FROM copies"))


def placed_copies(catalog: Catalog, *, in_groups: bool) -> list[ImageId]:
    """The images of the library that are decided to be copies, or with `in_groups` may be."""
    query = _PLACED.format(of_which=_COPIES if in_groups else _DUPLICATES)
    return [ImageId(image_id) for (image_id,) in catalog.connection.execute(query)]


def names_of(catalog: Catalog, image_ids: Sequence[ImageId]) -> dict[ImageId, str]:
    """The file name of each of these images: in a crawl, else in the library."""
    rows = select_many(catalog, _NAMES, image_ids)
    return {image_id: os.fsdecode(path.rpartition(b"/")[2]) for image_id, path in rows if path is not None}


def not_compared(catalog: Catalog, *, hashes: str) -> list[ImageId]:
    """The images with a kept look and none in the store `hashes`, in their order."""
    return [ImageId(image_id) for (image_id,) in catalog.connection.execute(_NOT_COMPARED, (LOOKS, hashes))]


def lengths_of(catalog: Catalog, image_ids: Sequence[ImageId]) -> dict[ImageId, int]:
    """The bytes of each of these images."""
    return dict(select_many(catalog, "SELECT id, size_bytes FROM pictures WHERE id IN {pictures}", image_ids))


def without_look(catalog: Catalog, library: Path, *, crawl: Path, run: int) -> list[Path]:
    """A file of each image without a kept look: what `run` found, and what is in the library."""
    rows = catalog.connection.execute(_WITHOUT_LOOK, (to_bytes(crawl), run, LOOKS))
    return [library / to_path(path) for _, path in rows]


def replace_groups(catalog: Catalog, searched: Iterable[ImageId], groups: Iterable[Sequence[ImageId]]) -> None:
    """Record the groups among the images `searched`, each with its first image first; the caller holds the transaction.

    What a person keeps by itself stays so unless a new copy joined its group, or by hand in its place.
    """
    connection, searched = catalog.connection, list(searched)
    before = {
        image_id: (first, kept)
        for image_id, first, kept in select_many(
            catalog, "SELECT picture, first, kept FROM copies WHERE picture IN {pictures}", searched
        )
    }
    put = {image_id for (image_id,) in select_many(catalog, _PUT, [one for one, (_, kept) in before.items() if kept])}
    connection.executemany("DELETE FROM copies WHERE picture = ?", ((image_id,) for image_id in searched))
    connection.executemany("INSERT INTO copies VALUES (?, ?, ?)", _rows(groups, before, put))


_PUT: Final = "SELECT DISTINCT picture FROM hand_moves WHERE picture IN {pictures}"


def _rows(
    groups: Iterable[Sequence[ImageId]], before: dict[ImageId, tuple[ImageId, int]], put: set[ImageId]
) -> Iterator[tuple[ImageId, ImageId, int]]:
    for group in groups:
        has_joined = len({before[one][0] if one in before else None for one in group}) > 1 or group[0] not in before
        for one in group:
            kept = before[one][1] if one in before and (not has_joined or one in put) else 0
            yield one, group[0], kept


def image_at(catalog: Catalog, path: bytes) -> ImageId | None:
    """The image at a path within the library, or at a whole path in a crawl, if it is in a group."""
    row = catalog.connection.execute(
        "SELECT picture FROM copies WHERE picture IN ("
        "SELECT picture FROM places WHERE path = ?1 UNION SELECT picture FROM files WHERE path = ?1)",
        (path,),
    ).fetchone()
    return None if row is None else ImageId(row[0])


def keep_all(catalog: Catalog, image_ids: Sequence[ImageId]) -> int:
    """Have all members of the groups of these images filed by themselves; returns how many they are."""
    members = [member.image_id for group in groups_of(catalog, image_ids).values() for member in group]
    keep(catalog, members)
    return len(members)


def keep(catalog: Catalog, image_ids: Iterable[ImageId]) -> None:
    """Have these images filed by themselves, as far as they are in groups."""
    with catalog.transaction() as connection:
        connection.executemany("UPDATE copies SET kept = 1 WHERE picture = ?", ((one,) for one in image_ids))


def filed_copies(catalog: Catalog) -> list[RemovableLink]:
    """What a sort filed as copies of filed images, and did not move out of its crawl."""
    rows = catalog.connection.execute(_FILED_COPIES)
    return [RemovableLink(place=as_place(PLACE_COLUMNS[:-1], row[:-1]), made_by=row[-1]) for row in rows]
