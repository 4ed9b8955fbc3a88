"""Images that a person put into a library's category folders from elsewhere.

Once they are labels they are in the library like any other image: counted, verified, and known again in a crawl. No run
put them there, so that no undo takes them away, and they stay in the folder that the person chose.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from classifier.catalog.files import add_image
from classifier.catalog.manual_moves import decision_for_folder, folder_of, left_unlabeled, record_added
from classifier.catalog.places import LibraryFile, is_known_path, known_paths, place_of, write_place
from classifier.catalog.values import to_bytes, to_path
from classifier.errors import Undecodable
from classifier.filing.library_walk import other_files
from classifier.images.formats import claims_to_be_image
from classifier.images.hashing import hash_bytes
from classifier.images.ignored_files import is_system_file, is_unfinished, may_be_apple_double
from classifier.images.probe import open_checked
from classifier.images.safe_open import image_file, read_image_file
from classifier.paths import to_text
from classifier.records import Action, ImageInfo, Method

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from classifier.catalog.connection import Catalog
    from classifier.records import ImageFile, ImageId


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedFile:
    """An image file, `path` within the library, and the category whose folder it is in."""

    path: bytes
    category: str


def added_files(catalog: Catalog, library: Path) -> list[AddedFile]:
    """What may be images by name, in folders of categories, that illsort did not put there; reads none of them.

    Without those of which a person said that they are no labels.
    """
    return sorted(_added(catalog, library), key=lambda one: one.path)


def _added(catalog: Catalog, library: Path) -> Iterator[AddedFile]:
    for path, _ in other_files(library, known_paths(catalog) | left_unlabeled(catalog)):
        within = to_path(path)
        if any(part[0] in "._" for part in within.parts) or not _is_image_name(within.name):
            continue
        decided = decision_for_folder(folder_of(path))
        if decided is None or decided[0] is not Action.FILE or is_known_path(catalog, path, to_text(within)):
            continue
        yield AddedFile(path=path, category=decided[1])


def _is_image_name(name: str) -> bool:
    if is_system_file(name) or may_be_apple_double(name) or is_unfinished(name, beside=(), is_empty=False):
        return False
    return claims_to_be_image(PurePosixPath(name))


def adopt(catalog: Catalog, library: Path, added: AddedFile, *, max_megapixels: float) -> ImageId | None:
    """Record an added image as one of the library; the caller holds the transaction.

    Returns None, and records nothing, for a file that cannot be read as an image or that is a copy of an image in the
    library: which of the two folders is meant is not known.
    """
    read = _read(library / to_path(added.path), max_megapixels=max_megapixels)
    if read is None:
        return None
    file, image = read
    if place_of(catalog, image.id) is not None:
        return None
    add_image(catalog, image)
    place = LibraryFile(
        image_id=image.id,
        path=added.path,
        method=Method.COPY,
        source=to_bytes(file.path),
        size_bytes=file.size_bytes,
        mtime_ns=file.mtime_ns,
        inode=file.inode,
        device=file.device,
    )
    write_place(catalog, place, renamed=False)
    record_added(catalog.connection, place)
    return image.id


def _read(path: Path, *, max_megapixels: float) -> tuple[ImageFile, ImageInfo] | None:
    """The file and the image in it; its header is read, its pixels are not. A link is no file of its own."""
    try:
        status = os.lstat(path)
        if not stat.S_ISREG(status.st_mode):
            return None
        data = read_image_file(path, max_megapixels=max_megapixels)
        with open_checked(data, max_megapixels=max_megapixels) as image:
            width, height = image.size
    except (OSError, Undecodable):
        return None
    info = ImageInfo(id=hash_bytes(data), size_bytes=len(data), width=width, height=height, truncated=False)
    return image_file(path, status), info
