"""Files with the category of a filed image, beside it, for other programs: `x.jpg.xmp`, `x.jpg.txt` and `x.txt`.

They are ours, known by their hashes: another file, or one that a person changed, is never replaced or removed. One is
removed when its image moves or leaves, and written anew by the next export.
"""

from __future__ import annotations

import hashlib
import os
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from classifier.catalog import tag_files
from classifier.catalog.categories import read_aliases
from classifier.catalog.values import to_bytes
from classifier.errors import FilingStopped, Message, message_of
from classifier.filing.disk_errors import is_disk_failure
from classifier.filing.fsops import Disk
from classifier.filing.path_scope import PathScope
from classifier.filing.tag_formats import TagFormat, tag_content, tag_file
from classifier.own_files import sha256_if_regular
from classifier.paths import to_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from classifier.catalog.connection import Catalog
    from classifier.progress import Progress

_TEMPORARY: Final = re.compile(r"\.illsort-[0-9a-f]{16}\.part")
_BATCH: Final = 256
_THREADS: Final = 8  # syncing this many files takes little longer than one


@dataclass(kw_only=True)
class TagSummary:
    """How many files were written, removed, and were as they should be; `left` are not ours or cannot be written."""

    written: int = 0
    removed: int = 0
    unchanged: int = 0
    left: list[tuple[Path, str]] = field(default_factory=list)


def write_tag_files(
    catalog: Catalog,
    library: Path,
    kinds: Sequence[TagFormat],
    progress: Progress,
    *,
    without: Sequence[TagFormat] = (),
    disk: Disk | None = None,
) -> TagSummary:
    """Have a file of each of `kinds` beside every filed image, and none of ours where no filed image is.

    Those of a kind of `without` are removed. The caller owns the library. Raises FilingStopped when the disk
    refuses; the same call goes on.
    """
    writer = _Writer(catalog, library, disk or Disk())
    names, after = read_aliases(catalog), b""
    with progress.stage(Message("exporting"), total=tag_files.count_filed(catalog), unit="picture") as stage:
        writer.remove_strayed(without)
        while images := tag_files.filed_images(catalog, after=after, limit=_BATCH):
            wanted = {
                tag_file(path, kind): tag_content(names.resolve(category), kind)
                for path, category in images
                for kind in kinds
            }
            writer.write(wanted)
            after = to_bytes(images[-1][0])
            stage.advance(len(images))
    return writer.summary


def remove_beside(catalog: Catalog, library: Path, images: Iterable[Path], disk: Disk) -> None:
    """Remove our files beside images that are no longer at these paths; what cannot be removed waits for an export."""
    if not tag_files.has_any(catalog):
        return
    writer = _Writer(catalog, library, disk)
    paths = [tag_file(image, kind) for image in images for kind in TagFormat]
    with suppress(FilingStopped):
        writer.remove([path for path in paths if tag_files.hashes_of(catalog, path)])


class _Writer:
    """Writes and removes in batches; a path is relative to the library."""

    def __init__(self, catalog: Catalog, library: Path, disk: Disk) -> None:
        self._catalog = catalog
        self._library = library
        self._disk = disk
        self._bounds = PathScope(catalog, library)
        self._inside: dict[Path, bool] = {}
        self.summary = TagSummary()

    def remove_strayed(self, without: Sequence[TagFormat]) -> None:
        """Remove ours that are beside no filed image or of such a kind, and what a kill left of one being written."""
        for paths in tag_files.written(self._catalog, part=_BATCH):
            self.remove([path for path in paths if self._kinds_of(path) <= set(without)])

    def _kinds_of(self, path: Path) -> set[TagFormat]:
        """What a file of this name is beside filed images; nothing where none is."""
        image = path.with_name(path.stem)
        kinds = {TagFormat.XMP, TagFormat.TXT} if tag_files.is_filed(self._catalog, image) else set()
        kinds |= {TagFormat.CAPTION} if any(one.stem == path.stem for one in self._named_like(image)) else set()
        return {kind for kind in kinds if path.suffix == tag_file(image, kind).suffix}

    def _named_like(self, name: Path) -> list[Path]:
        return tag_files.filed_with_extension(self._catalog, name)

    def remove(self, paths: Sequence[Path]) -> None:
        """Remove those that are as we wrote them, and forget all that are not ours any more."""
        gone = [path for path in paths if self._is_removed(path)]
        if gone:
            tag_files.forget(self._catalog, gone)

    def _is_removed(self, path: Path) -> bool:
        """Remove a file if it is ours; False if it is and stays."""
        is_temporary = bool(_TEMPORARY.fullmatch(path.name))
        if not self._is_inside(path) or not (is_temporary or self._is_ours(path)):
            return True
        try:
            self._disk.remove(self._library / path)
            self.summary.removed += not is_temporary
        except FileNotFoundError:
            return True
        except OSError as error:
            self._refused(path, error)
            return False
        return True

    def write(self, wanted: dict[Path, bytes]) -> None:
        """Have these files, but for those whose place another file has."""
        to_write = {path: content for path, content in wanted.items() if self._is_to_write(path, content)}
        hashes = {path: hashlib.sha256(content).hexdigest() for path, content in to_write.items()}
        temporaries = {path: _temporary(path) for path in to_write}
        tag_files.record(self._catalog, hashes | dict.fromkeys(temporaries.values(), ""))
        with ThreadPoolExecutor(_THREADS) as pool:
            ready = {
                path: pool.submit(self._disk.write_new, self._library / temporaries[path], content)
                for path, content in to_write.items()
            }
        for path, result in ready.items():
            try:
                result.result()
            except OSError as error:  # what was begun is removed by the next export
                self._refused(path, error)
                continue
            self._put(temporaries[path], path)
        for folder in {path.parent for path in to_write}:
            self._disk.sync_folder(self._library / folder)
        done = [path for path in temporaries.values() if not os.path.lexists(self._library / path)]
        tag_files.keep_only(self._catalog, hashes | dict.fromkeys(done, ""))

    def _put(self, temporary: Path, path: Path) -> None:
        source, target = self._library / temporary, self._library / path
        try:
            if self._is_ours(path):
                self._disk.replace_own(source, target)
            else:
                self._disk.rename_noreplace(source, target, claim=lambda: None)
        except OSError as error:
            with suppress(OSError):
                self._disk.remove(source)
            self._refused(path, error)
        else:
            self.summary.written += 1

    def _is_to_write(self, path: Path, content: bytes) -> bool:
        there = self._library / path
        if not self._is_inside(path):
            self.summary.left.append((path, Message("its folder is not in the library")))
        elif not os.path.lexists(there):
            return True
        elif sha256_if_regular(there) == hashlib.sha256(content).hexdigest():
            self.summary.unchanged += 1
        elif self._is_ours(path):
            return True
        else:
            self.summary.left.append((path, Message("is not as illsort wrote it, so it stays")))
        return False

    def _is_ours(self, path: Path) -> bool:
        """Whether the file is there and as we wrote it."""
        known = tag_files.hashes_of(self._catalog, path) - {""}
        return bool(known) and sha256_if_regular(self._library / path) in known

    def _is_inside(self, path: Path) -> bool:
        """A catalog from a stranger may name any path, and a folder may be a link to elsewhere."""
        folder = path.parent
        if folder not in self._inside:
            self._inside[folder] = not path.is_absolute() and self._bounds.is_folder_in_library(folder)
        return self._inside[folder]

    def _refused(self, path: Path, error: OSError) -> None:
        if is_disk_failure(error):
            raise FilingStopped(Message("cannot write {path}: {why}", path=path, why=message_of(error))) from error
        self.summary.left.append((path, message_of(error)))


def _temporary(path: Path) -> Path:
    """The name of a file that is being written, the same each time, so that one that a kill left is known."""
    digest = hashlib.sha256(to_text(path).encode()).hexdigest()
    return path.with_name(f".illsort-{digest[:16]}.part")
