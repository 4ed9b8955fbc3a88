"""Lists the pictures of a folder or a bucket, loose ones and those in tar archives, as parts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from classifier.errors import Counted, CrawlError, Message, StorageError
from classifier.exclude import NOTHING, Exclude
from classifier.images.ignored_files import skip_written
from classifier.images.named_files import NamedFiles
from classifier.images.walk import find_images
from classifier.images.walk_result import SkippedFolder, WalkResult
from classifier.parts.listing_files import (
    LISTING_FILE,
    Listing,
    Part,
    is_part_of,
    is_unfinished,
    part_number,
    write_listing,
    write_part,
)
from classifier.parts.read_ahead import flattened
from classifier.parts.schema import Listed
from classifier.parts.storage_types import Storage, StoredFile
from classifier.parts.tar_members import DamagedTar, tar_members
from classifier.parts.walk_objects import find_objects
from classifier.paths import to_text, unescaped

if TYPE_CHECKING:
    from classifier.progress import Progress, Stage
    from classifier.records import ImageFile

PART_SIZE: Final = 10_000
TARS: Final = frozenset({".tar"})
_TARS_AT_ONCE: Final = 8
_SHOWN: Final = 200
"""How many pictures are found before the bar is moved."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """What of a source is not listed: by patterns; and folders of this machine, some of them with a description."""

    exclude: Exclude = NOTHING
    folders: Mapping[Path, str] = field(default_factory=dict)
    skip: Collection[Path] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A listing, what was passed over, and each damaged archive with what is wrong with it."""

    listing: Listing
    found: WalkResult
    damaged: list[Message]


def list_pictures(
    source: Storage, parts: Storage, progress: Progress, *, part_size: int = PART_SIZE, left_out: LeftOut | None = None
) -> Result:
    """Write the parts of a listing of `source` to `parts`, and at last that it is whole.

    The order is that of `find_images` in a folder of this machine, and that of the keys' bytes elsewhere; the members
    of an archive come in its place, in its own order. So an unchanged source gives the same bytes. In memory are a part
    and, of a folder, the names of the folders that lead to where the listing is.

    Raises:
        CrawlError: There is no picture.
        StorageError: `parts` holds something else than an interrupted listing of the same source; or as both do.
        OSError: A folder of this machine cannot be listed or written.

    """
    before = _unfinished_listing(source, parts)
    found, damaged = WalkResult(), list[Message]()
    files = _Files(source=source, left_out=left_out or LeftOut(), found=found, damaged=damaged)
    count = number = 0
    with (
        closing(files.rows()) as found_rows,
        progress.stage(Message("looking for pictures"), total=None, unit="picture") as stage,
    ):
        for number, rows in enumerate(_pieces(_counted(found_rows, stage), part_size), start=1):
            write_part(parts, Part(source=source.url, number=number - 1, part_size=part_size, rows=rows))
            count += len(rows)
    if not count:
        raise CrawlError("{source}: there is no picture in it", source=source.url)
    for name in before:
        if (part_number(name) or 0) >= number or is_unfinished(name):
            parts.remove(name)
    listing = Listing(source=source.url, parts=number, pictures=count, part_size=part_size)
    write_listing(parts, listing)
    found.left_out.sort(key=lambda one: one.path)  # archives are read several at once
    return Result(listing=listing, found=found, damaged=sorted(damaged))


def _unfinished_listing(source: Storage, parts: Storage) -> list[str]:
    """The files that an interrupted listing of the same source left. Raises StorageError where there is anything else.

    Answers refer to a listing, so that a whole one is never replaced.
    """
    if parts.url == source.url:
        raise StorageError("{url}: is what is to be listed; give a folder of its own for the listing", url=parts.url)
    names = parts.names()
    if LISTING_FILE in names:
        raise StorageError(
            "{url}: holds a listing already, which answers may refer to; list into another folder, or remove it first",
            url=parts.url,
        )
    with ThreadPoolExecutor(parts.reads_at_once) as pool:
        is_ours = pool.map(lambda name: is_unfinished(name) or is_part_of(parts, name, source.url), names)
        foreign = next((name for name, ours in zip(names, is_ours, strict=True) if not ours), None)
    if foreign is not None:
        raise StorageError(
            "{url}: is not empty ({name}); give a folder of its own for the listing", url=parts.url, name=foreign
        )
    return names


@dataclass(frozen=True, slots=True, kw_only=True)
class _Files:
    source: Storage
    left_out: LeftOut
    found: WalkResult
    damaged: list[Message]

    def rows(self) -> Generator[Listed]:
        """A row for each picture, loose or in an archive."""
        at_once = 1 if self.source.folder is not None else _TARS_AT_ONCE
        return flattened(self._files(), self._rows_of, at_once=at_once)

    def _files(self) -> Iterator[StoredFile]:
        """The pictures and archives of the source."""
        root = self.source.folder
        if root is None:
            return find_objects(self.source, also=TARS, exclude=self.left_out.exclude, found=self.found)
        walk = find_images(
            root,
            skip=self.left_out.skip,
            leave_out=self.left_out.folders,
            exclude=self.left_out.exclude,
            also=TARS,
            found=self.found,
        )
        return map(partial(_stored, root), skip_written(walk, self.found))

    def _rows_of(self, file: StoredFile, is_stopped: Callable[[], bool]) -> Iterator[Listed] | Listed:
        return self._members(file, is_stopped) if is_tar(file.key) else Listed(*file)

    def _members(self, tar: StoredFile, is_stopped: Callable[[], bool]) -> Iterator[Listed]:
        """The pictures in an archive, by their names; its other members, such as captions, are not counted.

        A name that leads out of the archive would be a key of another file, or of none; no program writes one unasked.
        """
        names, outside = NamedFiles(found=WalkResult(), exclude=self.left_out.exclude), 0
        try:
            for member in tar_members(self.source, tar, is_stopped=is_stopped):
                if not names.takes(f"{tar.key}/{member.name}"):
                    continue
                if _leads_out(member.name):
                    outside += 1
                else:
                    key = f"{tar.key}/{to_text(member.name)}"
                    yield Listed(key, member.size_bytes, tar.version, tar.key, member.offset)
        except DamagedTar as error:
            self.damaged.append(Message("{tar}: {why}", tar=tar.key, why=error.why))
        if outside:
            what = Counted(
                "{count:,} picture whose name leads out of the archive",
                "{count:,} pictures whose names lead out of the archive",
                count=outside,
            )
            self.found.left_out.append(SkippedFolder(path=Path(self.source.url) / unescaped(tar.key), what=what))


def _leads_out(name: str) -> bool:
    return name.startswith("/") or ".." in name.split("/")


def is_tar(key: str) -> bool:
    """Whether a file of this name is an archive whose members are listed."""
    return key[-4:].lower() in TARS


def _stored(root: Path, file: ImageFile) -> StoredFile:
    return StoredFile(to_text(file.path.relative_to(root)), file.size_bytes, str(file.mtime_ns))


def _counted(rows: Iterable[Listed], stage: Stage) -> Iterator[Listed]:
    number = 0
    for number, row in enumerate(rows, start=1):
        yield row
        if number % _SHOWN == 0:
            stage.advance(_SHOWN)
    stage.advance(number % _SHOWN)


def _pieces(items: Iterable[T], count: int) -> Iterator[list[T]]:
    remaining = iter(items)
    while piece := list(islice(remaining, count)):
        yield piece
