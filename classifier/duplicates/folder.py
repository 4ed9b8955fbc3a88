"""Finds the copies in a folder: looks that its library keeps are taken, all other pictures are read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from classifier.catalog.connection import is_library, read_catalog
from classifier.catalog.known_files import known_images
from classifier.catalog.looks import ending_early, read_looks, sizes_of
from classifier.duplicates.compare import Pictures
from classifier.duplicates.groups import find_groups
from classifier.duplicates.keep import keep_looks
from classifier.errors import CrawlError, Message, message_of
from classifier.exclude import Exclude
from classifier.images.look import LOOK_BYTES
from classifier.images.walk import find_images
from classifier.images.walk_result import WalkResult
from classifier.inference.device import runtime_from_settings
from classifier.inference.loader import PackedPaths, stream
from classifier.inference.reader import NoPixels, Read, Reader, limits_from
from classifier.inference.worker_pool import WorkerPool

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from classifier.progress import Progress, Stage
    from classifier.records import Failure, ImageFile, ImageId, ImageInfo
    from classifier.settings import Settings

_AT_ONCE: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """One file of a group; `is_same` if it is byte for byte the best one."""

    path: Path
    image_id: ImageId
    size_bytes: int
    width: int
    height: int
    is_same: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicates:
    """The groups of copies in a folder, the best first in each; how many pictures there are, and which failed."""

    groups: tuple[tuple[Copy, ...], ...]
    pictures: int
    read: int
    failures: tuple[tuple[Path, Failure], ...]


@dataclass(slots=True)
class _Seen:
    """What is known of each image: its number, look and size; of each file, the image."""

    numbers: dict[ImageId, int] = field(default_factory=dict)
    looks: bytearray = field(default_factory=bytearray)
    sizes: list[tuple[int, int]] = field(default_factory=list)
    cut_off: set[int] = field(default_factory=set)
    """The numbers of those whose files end early."""
    files: dict[int, list[ImageFile]] = field(default_factory=dict)
    lacking: dict[ImageId, Path] = field(default_factory=dict)
    """Images whose look their library lacks."""
    new: dict[Path, list[ImageInfo]] = field(default_factory=dict)
    """Of these, by library, what was read."""

    def add(self, image_id: ImageId, look: bytes, size: tuple[int, int], *, is_cut_off: bool) -> None:
        if image_id not in self.numbers:
            self.numbers[image_id] = len(self.numbers)
            if is_cut_off:
                self.cut_off.add(self.numbers[image_id])
            self.looks += look
            self.sizes.append(size)

    def add_read(self, image: ImageInfo) -> None:
        self.add(image.id, image.look, (image.width, image.height), is_cut_off=image.truncated)
        if (library := self.lacking.pop(image.id, None)) is not None:
            self.new.setdefault(library, []).append(image)

    def place(self, file: ImageFile, image_id: ImageId) -> None:
        """Another name of the same file, a hard link, is no copy."""
        files = self.files.setdefault(self.numbers[image_id], [])
        if all((file.inode, file.device) != (one.inode, one.device) for one in files):
            files.append(file)


def find_duplicates(folder: Path, *, library: Path | None, settings: Settings, progress: Progress) -> Duplicates:
    """The copies among the pictures of `folder`, which is only read.

    What `library` keeps of its pictures, or `folder` where it is a library itself, is not read again; what it lacks of
    them it keeps then. A link in a library counts as the picture that it leads to.

    Raises:
        CrawlError: The folder cannot be listed.

    """
    folder, found = folder.absolute(), WalkResult()
    try:
        exclude = Exclude(settings.images.exclude)
        walk = find_images(folder, exclude=exclude, follow_links=is_library(folder), found=found)
        with progress.stage(Message("looking for pictures"), total=None, unit="picture") as stage:
            files = list(_counted(walk, stage))
    except OSError as error:
        raise CrawlError("{folder}: cannot be listed ({why})", folder=folder, why=message_of(error)) from None
    for sentence in (*found.sentences(), *found.complaints):
        progress.say(sentence)
    seen = _Seen()
    for one in (folder, library):
        files = files if one is None or not is_library(one) else _recall(seen, files, one.absolute())
    failures = tuple(_read(seen, files, settings, progress))
    for one, images in seen.new.items():
        keep_looks(one, images, progress)
    with progress.stage(Message("comparing"), total=None, unit=""):
        groups = _groups(seen)
    pictures = sum(map(len, seen.files.values()))
    return Duplicates(groups=groups, pictures=pictures, read=len(files), failures=failures)


def _counted(walk: Iterator[ImageFile], stage: Stage) -> Iterator[ImageFile]:
    for file in walk:
        stage.advance()
        yield file


def _recall(seen: _Seen, files: Sequence[ImageFile], library: Path) -> list[ImageFile]:
    """Take what the library keeps; returns the files that are to be read."""
    with read_catalog(library) as catalog:
        known = list(known_images(catalog, library, files))
        ids = list(dict.fromkeys(image_id for image_id in known if image_id is not None))
        sizes, cut_off = sizes_of(catalog, ids), ending_early(catalog, ids)
        for found, looks in read_looks(catalog, library, ids):
            for one, look in zip(found, looks, strict=True):
                if one in sizes and len(look) == LOOK_BYTES:
                    seen.add(one, look.tobytes(), sizes[one], is_cut_off=one in cut_off)
    left = []
    for file, image_id in zip(files, known, strict=True):
        if image_id in seen.numbers:
            seen.place(file, image_id)
            continue
        left.append(file)
        if image_id in sizes:
            seen.lacking[image_id] = library
    return left


def _read(
    seen: _Seen, files: Sequence[ImageFile], settings: Settings, progress: Progress
) -> Iterator[tuple[Path, Failure]]:
    """Read the files, with the limits of a sort; yields those that cannot be read."""
    if not files:
        return
    workers = runtime_from_settings(settings.runtime, training=False).workers
    reader = Reader(transform=NoPixels(), max_megapixels=settings.images.max_megapixels, looks=True)
    paths = PackedPaths(file.path for file in files)
    with (
        WorkerPool(limits_from(settings.images), workers=workers, say=progress.say) as pool,
        progress.stage(Message("reading"), total=len(files), unit="picture") as stage,
    ):
        for batch in stream(paths, reader, pool, batch_size=_AT_ONCE):
            for key, result in zip(batch.keys, batch.results, strict=True):
                if isinstance(result, Read):
                    seen.add_read(result.image)
                    seen.place(result.file, result.image.id)
                else:
                    yield paths[key], result.failure
            stage.advance(len(batch.keys))


def _groups(seen: _Seen) -> tuple[tuple[Copy, ...], ...]:
    """The groups by path of their best: copies by their look, and files that are byte for byte the same."""
    order = sorted(seen.files, key=lambda number: _rank(seen, number))
    looks = np.frombuffer(seen.looks, np.uint8).reshape(-1, LOOK_BYTES)
    sizes = np.array(seen.sizes, np.int64).reshape(-1, 2)
    found = find_groups(Pictures(looks=looks[order], sizes=sizes[order]))
    grouped = {number for group in found for number in group}
    alone = [[place] for place, number in enumerate(order) if len(seen.files[number]) > 1 and place not in grouped]
    ids = list(seen.numbers)
    groups = [tuple(_copies(seen, ids, [order[place] for place in group])) for group in [*found, *alone]]
    return tuple(sorted(groups, key=lambda group: group[0].path))


def _rank(seen: _Seen, number: int) -> tuple[bool, int, int, Path]:
    """Best first: whole ones, of these the largest in pixels, of equal ones the least compressed."""
    width, height = seen.sizes[number]
    first = seen.files[number][0]
    return number in seen.cut_off, -width * height, -first.size_bytes, first.path


def _copies(seen: _Seen, ids: Sequence[ImageId], numbers: Sequence[int]) -> Iterator[Copy]:
    for place, number in enumerate(numbers):
        width, height = seen.sizes[number]
        for count, file in enumerate(seen.files[number]):
            is_same = place == 0 and count > 0
            yield Copy(
                path=file.path,
                image_id=ids[number],
                size_bytes=file.size_bytes,
                width=width,
                height=height,
                is_same=is_same,
            )
