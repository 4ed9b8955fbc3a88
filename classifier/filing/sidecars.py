"""Files that belong to an image by their name, and the moves that keep them beside it; changes nothing."""

from __future__ import annotations

import stat
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from classifier.catalog.library_changes import made_by, sidecar_is_missing
from classifier.catalog.places import LibraryFile, place_of, sidecar_from, sidecars_of
from classifier.catalog.values import to_path
from classifier.filing.destination import REPLACED, candidate_names, recorded_file
from classifier.filing.file_checks import file_sha256, lstat_or_none
from classifier.images.safe_open import image_file
from classifier.records import ImageId, Method, Move, time_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from classifier.catalog.connection import Catalog
    from classifier.records import ImageFile

_ENDINGS = (".txt", ".xmp", ".json")


def sidecar_moves(
    catalog: Catalog, image_ids: Iterable[ImageId], *, library: Path, method: Method, crawl: Path | None = None
) -> list[Move]:
    """The moves that bring sidecars beside their filed images: from the crawl by `method`, or by RENAME.

    A sidecar that belongs to two images of a folder goes with the first of them. MOVE applies only if the image was
    moved: otherwise the sidecar uses the method of its image. With `crawl`, sidecars of images from another crawl wait
    until that one is sorted.
    """
    folders = _FolderListing()
    moves: dict[Path, Move] = {}
    for image_id in image_ids:
        place = place_of(catalog, image_id)
        if place is None:
            continue
        beside = _new(catalog, place, folders, method) if _is_from(place, crawl) else ()
        for move in (*_left_behind(catalog, place, library), *beside):
            moves.setdefault(move.source.path, move)
    return list(moves.values())


def outdated_moves(catalog: Catalog, image_ids: Iterable[ImageId], *, library: Path) -> list[Move]:
    """The moves that put aside sidecars that were rewritten in the crawl, so that `sidecar_moves` brings the new ones.

    Only unchanged sidecars of the library: one that a person changed or deleted is no longer ours.
    """
    found = (sidecar for image_id in image_ids for sidecar in sidecars_of(catalog, image_id))
    return [_put_aside(catalog, sidecar, library) for sidecar in found if _was_rewritten(sidecar)]


def sidecar_name(sidecar: str, *, image: str, now: str) -> str:
    """The name of a sidecar of `image` after that image was renamed to `now`: `x.jpg.txt`, or else `x.txt`."""
    ending = PurePath(sidecar).suffix
    whole = sidecar.removesuffix(ending).casefold() == image.casefold()
    return (now if whole else PurePath(now).stem) + ending


class _FolderListing:
    """The files of crawl folders by case-folded name; each folder is listed once."""

    def __init__(self) -> None:
        self._names: dict[Path, dict[str, list[Path]]] = {}

    def beside(self, image: Path) -> list[Path]:
        """The files that are sidecars of `image` by their names, in order."""
        names = self._listed(image.parent)
        wanted = dict.fromkeys(base.casefold() + end for base in (image.name, image.stem) for end in _ENDINGS)
        return [path for name in wanted for path in names.get(name, ()) if path != image]

    def _listed(self, folder: Path) -> dict[str, list[Path]]:
        if folder not in self._names:
            found: dict[str, list[Path]] = {}
            try:
                for path in sorted(folder.iterdir()):
                    if path.suffix.casefold() in _ENDINGS:
                        found.setdefault(path.name.casefold(), []).append(path)
            except OSError:
                found = {}
            self._names[folder] = found
        return self._names[folder]


def _is_from(place: LibraryFile, crawl: Path | None) -> bool:
    return crawl is None or to_path(place.source).is_relative_to(crawl)


def _new(catalog: Catalog, place: LibraryFile, folders: _FolderListing, method: Method) -> Iterator[Move]:
    """The sidecars beside the file that the image came from."""
    origin, now = to_path(place.source), to_path(place.path)
    method = place.method if method is Method.MOVE else method
    for path in folders.beside(origin):
        if sidecar_from(catalog, path) is not None or sidecar_is_missing(catalog, path):
            continue
        if (read := _read(path)) is not None:
            source, content = read
            names = candidate_names(sidecar_name(path.name, image=origin.name, now=now.name), content)
            yield _move(place, source, content, names=names, method=method)


def _left_behind(catalog: Catalog, place: LibraryFile, library: Path) -> Iterator[Move]:
    """The sidecars in the library that are not in the folder of their image."""
    now = to_path(place.path)
    for sidecar in sidecars_of(catalog, place.image_id):
        if to_path(sidecar.path).parent != now.parent:
            came_from = to_path(sidecar.source).name
            name = sidecar_name(came_from, image=to_path(place.source).name, now=now.name)
            names = candidate_names(name, sidecar.image_id)
            yield _move(place, recorded_file(sidecar, library), sidecar.image_id, names=names, method=Method.RENAME)


def _was_rewritten(sidecar: LibraryFile) -> bool:
    """Whether its source in the crawl has another content now; a sidecar whose source is gone stays."""
    source = to_path(sidecar.source)
    found = None if sidecar.method is Method.SYMLINK else lstat_or_none(source)
    if found is None or not stat.S_ISREG(found.st_mode):
        return False
    if (found.st_ino, found.st_dev) == (sidecar.inode, sidecar.device):
        return False
    if (found.st_size, time_of(found)) == (sidecar.size_bytes, sidecar.mtime_ns):
        return False
    content = file_sha256(source)
    return content is not None and content != sidecar.image_id


def _put_aside(catalog: Catalog, sidecar: LibraryFile, library: Path) -> Move:
    source = recorded_file(sidecar, library)
    return Move(
        image_id=sidecar.image_id,
        source=source,
        folder=REPLACED,
        names=candidate_names(source.path.name, sidecar.image_id),
        method=Method.RESTORE,
        undoes=made_by(catalog, sidecar),
        beside=sidecar.beside,
    )


def _move(place: LibraryFile, source: ImageFile, content: ImageId, *, names: tuple[str, ...], method: Method) -> Move:
    folder = to_path(place.path).parent
    return Move(image_id=content, source=source, folder=folder, names=names, method=method, beside=place.image_id)


def _read(path: Path) -> tuple[ImageFile, ImageId] | None:
    """The file and its content hash; None if it is not a regular file or cannot be read."""
    found, content = lstat_or_none(path), file_sha256(path)
    return None if found is None or content is None else (image_file(path, found), content)
