"""Images that a person put into a library's category folders from elsewhere.

Once they are labels they are in the library like any other image: counted, verified, and known again in a crawl. No run
put them there, so that no undo takes them away, and they stay in the folder that the person chose.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from classifier.catalog.category_folders import read_known
from classifier.catalog.files import add_image
from classifier.catalog.manual_moves import folder_of, left_unlabeled, record_added
from classifier.catalog.moves import open_entries
from classifier.catalog.places import LibraryFile, is_known_path, known_paths, place_of, write_place
from classifier.catalog.values import to_bytes, to_path
from classifier.errors import Message, Undecodable
from classifier.filing.library_walk import other_files
from classifier.images.formats import claims_to_be_image
from classifier.images.hashing import hash_bytes
from classifier.images.ignored_files import is_system_file, is_unfinished, may_be_apple_double, skip_incomplete
from classifier.images.probe import open_checked
from classifier.images.safe_open import image_file, read_image_file
from classifier.images.walk_result import WalkResult
from classifier.paths import to_text
from classifier.records import Action, ImageInfo, Method

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from classifier.catalog.connection import Catalog
    from classifier.progress import Stage
    from classifier.records import ImageFile, ImageId


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedFile:
    """An image file, `path` within the library, and the category whose folder it is in."""

    path: bytes
    category: str
    file: ImageFile

    @property
    def key(self) -> tuple[bytes, int, int]:
        """By what it is known where it is no label."""
        return self.path, self.file.size_bytes, self.file.mtime_ns


def added_files(catalog: Catalog, library: Path) -> list[AddedFile]:
    """What may be images by name, in folders of categories, that illsort did not put there; reads none of them.

    Without links, and without those of which a person said that they are no labels. Nothing after a run that was
    stopped, until its open moves are settled: some of these files may be its own.
    """
    if open_entries(catalog):
        return []
    left = left_unlabeled(catalog)
    return sorted((one for one in _added(catalog, library) if one.key not in left), key=lambda one: one.path)


def _added(catalog: Catalog, library: Path) -> Iterator[AddedFile]:
    known = read_known(catalog.connection)
    for path, _ in other_files(library, known_paths(catalog)):
        within = to_path(path)
        if any(part[0] in "._" for part in within.parts) or not _is_image_name(within.name):
            continue
        decided = known.decision_for(folder_of(path))
        if decided is None or decided[0] is not Action.FILE or is_known_path(catalog, path, to_text(within)):
            continue
        with suppress(OSError):
            status = os.lstat(library / within)
            if stat.S_ISREG(status.st_mode):
                yield AddedFile(path=path, category=decided[1], file=image_file(library / within, status))


def _is_image_name(name: str) -> bool:
    if is_system_file(name) or may_be_apple_double(name) or is_unfinished(name, beside=(), is_empty=False):
        return False
    return claims_to_be_image(PurePosixPath(name))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFile:
    """An added file and the image in it."""

    added: AddedFile
    image: ImageInfo


def read_added(
    added: Sequence[AddedFile], *, max_megapixels: float, stage: Stage
) -> tuple[list[ReadFile], list[tuple[AddedFile, Message]]]:
    """The added files that are images, each content once, and those that make no label, with the reason.

    A file that is still being written is in neither. The same image in the folders of two categories makes no label.
    """
    by_path = {one.file.path: one for one in added}
    by_image: dict[ImageId, list[ReadFile]] = {}
    unusable: list[tuple[AddedFile, Message]] = []
    for file in skip_incomplete([one.file for one in added], WalkResult(), check_all=True):
        one = by_path[file.path]
        image = _image_of(file.path, max_megapixels=max_megapixels)
        stage.advance()
        if image is None:
            unusable.append((one, Message("{path}: no label, for it cannot be read", path=to_path(one.path))))
        else:
            by_image.setdefault(image.id, []).append(ReadFile(added=one, image=image))
    read = []
    for same in by_image.values():
        if len({one.added.category for one in same}) == 1:
            read.append(same[0])
        else:
            unusable += [(one.added, _in_two_categories(one.added)) for one in same]
    return read, unusable


def _in_two_categories(added: AddedFile) -> Message:
    return Message(
        "{path}: no label, for the same picture is in the folders of two categories", path=to_path(added.path)
    )


def adopt(
    catalog: Catalog, read: Sequence[ReadFile]
) -> tuple[dict[ImageId, AddedFile], list[tuple[AddedFile, Message]]]:
    """Record added images as those of the library; the caller holds the transaction.

    A copy of an image that is in the library is not, and makes no label: which of the two folders is meant is not
    known.
    """
    known = read_known(catalog.connection)
    adopted: dict[ImageId, AddedFile] = {}
    copies: list[tuple[AddedFile, Message]] = []
    for one in read:
        added, file = one.added, one.added.file
        if (place := place_of(catalog, one.image.id)) is not None:
            copies.append((added, _is_copy(added, place)))
            continue
        add_image(catalog, one.image)
        place = LibraryFile(
            image_id=one.image.id,
            path=added.path,
            method=Method.COPY,
            source=to_bytes(file.path),
            size_bytes=file.size_bytes,
            mtime_ns=file.mtime_ns,
            inode=file.inode,
            device=file.device,
        )
        write_place(catalog, place, renamed=False)
        record_added(catalog.connection, place, known)
        adopted[one.image.id] = added
    return adopted, copies


def _is_copy(added: AddedFile, place: LibraryFile) -> Message:
    return Message("{path}: no label, for it is a copy of {other}", path=to_path(added.path), other=to_path(place.path))


def _image_of(path: Path, *, max_megapixels: float) -> ImageInfo | None:
    """The image by its header and the hash of the file; its pixels are not read."""
    try:
        data = read_image_file(path, max_megapixels=max_megapixels)
        with open_checked(data, max_megapixels=max_megapixels) as image:
            width, height = image.size
    except (OSError, Undecodable):
        return None
    return ImageInfo(id=hash_bytes(data), size_bytes=len(data), width=width, height=height, truncated=False)
