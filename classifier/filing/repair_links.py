"""Removes links of ours that are dangling, or whose file is filed elsewhere too; through the executor.

A dangling link is removed when its image is in the crawl again, and is filed anew. A link whose file got another
content in the crawl is removed when that content is filed: one file is in one folder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.catalog.library_changes import RemovableLink, changed_links, dangling_links, drop_missing
from classifier.catalog.places import place_from, place_of_inode
from classifier.catalog.values import to_path
from classifier.filing.file_checks import is_link_to, lstat_or_none
from classifier.filing.plan import journal_path
from classifier.filing.results import Status
from classifier.images.safe_open import image_file
from classifier.records import ImageId, Method, Move

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from classifier.catalog.connection import Catalog
    from classifier.catalog.places import LibraryFile
    from classifier.filing.results import Outcome

_BATCH = 256


def remove_dangling_links(
    catalog: Catalog,
    library: Path,
    *,
    run: int,
    crawl: Path,
    execute: Callable[[Sequence[Move]], Sequence[Outcome]],
) -> frozenset[ImageId]:
    """Remove the dangling links of images that `run` found in `crawl`; returns the images."""
    found = dangling_links(catalog, run=run, crawl=crawl)
    planned = [(one, _removal(library, one, origin=to_path(one.place.source), image=one.place)) for one in found]
    places = [one.place for one in _remove(catalog, planned, execute)]
    return frozenset(place.image_id for place in places if place.beside is None)


def remove_repeated_links(
    catalog: Catalog, library: Path, *, execute: Callable[[Sequence[Move]], Sequence[Outcome]]
) -> None:
    """Remove the links whose file is filed elsewhere under its new content."""
    _remove(catalog, list(_repeated(catalog, library)), execute)


def _repeated(catalog: Catalog, library: Path) -> Iterator[tuple[RemovableLink, Move | None]]:
    for one in changed_links(catalog):
        status = lstat_or_none(library / to_path(one.place.path))
        if one.place.method is Method.SYMLINK:
            other = place_from(catalog, one.place.source)
            origin = to_path(one.place.source)
        else:
            other = None if status is None else place_of_inode(catalog, status.st_ino)
            origin = library / to_path(other.path) if other else library
        if other is not None and other.path != one.place.path:
            yield one, _removal(library, one, origin=origin, image=other)


def _removal(library: Path, one: RemovableLink, *, origin: Path, image: LibraryFile) -> Move | None:
    """The move that undoes the change that made the link, because the file is, or was, at `origin`.

    None if it is gone, or no longer a link of ours: a person put another file in its place.
    """
    path = library / to_path(one.place.path)
    status = lstat_or_none(path)
    if status is None or (one.place.method is Method.SYMLINK and not is_link_to(path, to_path(one.place.source))):
        return None
    return Move(
        image_id=image.image_id,
        source=image_file(path, status),
        folder=journal_path(origin.parent, library),
        names=(origin.name,),
        method=Method.REMOVE,
        undoes=one.made_by,
        beside=one.place.beside,
    )


def _remove(
    catalog: Catalog,
    planned: Sequence[tuple[RemovableLink, Move | None]],
    execute: Callable[[Sequence[Move]], Sequence[Outcome]],
) -> list[RemovableLink]:
    removed: list[RemovableLink] = []
    moves = [(one, move) for one, move in planned if move is not None]
    for start in range(0, len(moves), _BATCH):
        part = moves[start : start + _BATCH]
        outcomes = execute([move for _, move in part])
        done = [one for (one, _), outcome in zip(part, outcomes, strict=True) if outcome.status is Status.PLACED]
        drop_missing(catalog, [one.place for one in done])
        removed += done
    return removed
