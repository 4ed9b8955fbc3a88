"""Removes links of ours that are dangling, or whose file is filed elsewhere too, and copies; through the executor.

A dangling link is removed when its image is in the crawl again, and is filed anew. A link whose file got another
content in the crawl is removed when that content is filed: one file is in one folder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.catalog.copies import filed_copies
from classifier.catalog.library_changes import (
    RemovableLink,
    changed_links,
    dangling_links,
    drop_missing,
    made_by,
)
from classifier.catalog.places import place_from, place_of_inode, sidecars_of
from classifier.catalog.values import to_path
from classifier.filing.file_checks import is_link_to, lstat_or_none, survives_removal
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
_COPIES = 64


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


def remove_copies(catalog: Catalog, library: Path, *, execute: Callable[[Sequence[Move]], Sequence[Outcome]]) -> None:
    """Remove what is in the library of copies of filed images, with their sidecars, where the crawl has the same."""
    for start in range(0, len(copies := filed_copies(catalog)), _COPIES):
        planned: list[tuple[RemovableLink, Move | None]] = []
        for copy in copies[start : start + _COPIES]:
            planned += _of_copy(catalog, library, copy)
        _remove(catalog, planned, execute)


def _of_copy(catalog: Catalog, library: Path, copy: RemovableLink) -> list[tuple[RemovableLink, Move | None]]:
    """The removal of a copy and of its sidecars; none where one of them may be all there is."""
    found = [copy]
    for sidecar in sidecars_of(catalog, copy.place.image_id):
        if (number := made_by(catalog, sidecar)) is None:
            return []
        found.append(RemovableLink(place=sidecar, made_by=number))
    removals = [(one, _removal(library, one, origin=to_path(one.place.source), image=one.place)) for one in found]
    is_safe = all(move is not None and _is_elsewhere(library, one.place) for one, move in removals)
    return removals if is_safe else []


def _is_elsewhere(library: Path, place: LibraryFile) -> bool:
    path, origin = library / to_path(place.path), to_path(place.source)
    if place.method is Method.SYMLINK:
        return origin.exists()
    return place.method in {Method.LINK, Method.COPY} and survives_removal(origin, path, place.image_id)


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
