"""Compares every place in a library with the disk: unchanged, moved by hand, replaced or gone; changes nothing.

One `lstat` a place; a file is read only if its size or time differs. Places that cannot be checked stay as recorded:
after an error other than "no such file", or in a folder that is on another disk than recorded.
"""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from classifier.catalog.library_changes import (
    ChangeKind,
    LibraryChanges,
    MissingFile,
    links_to_check,
    missing,
    places_to_check,
    recorded_original,
)
from classifier.catalog.moves import open_entries
from classifier.catalog.places import known_paths, place_at
from classifier.catalog.values import to_path
from classifier.filing.file_checks import (
    NOT_THERE,
    Disks,
    as_found,
    file_sha256,
    has_content,
    is_crawl_file,
    is_link_to,
    link_target,
)
from classifier.filing.library_walk import other_files
from classifier.records import Method, time_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from classifier.catalog.connection import Catalog
    from classifier.catalog.places import LibraryFile
    from classifier.progress import Stage

_PROGRESS_EVERY = 4096


def compare(catalog: Catalog, library: Path, stage: Stage) -> LibraryChanges:
    """The differences between the catalog and the disk; `stage` advances by the places checked."""
    found = _Comparison(catalog, library)
    found.look_at_files(stage)
    found.look_at_links(stage)
    found.look_at_missing()
    found.search()
    return found.changes()


class _Comparison:
    """One comparison; `lost` has the places whose file is not there, by path, with the kind of change."""

    def __init__(self, catalog: Catalog, library: Path) -> None:
        self._catalog = catalog
        self._library = library
        self._root = os.fsencode(library) + b"/"
        self._disks = Disks(self._root)
        self._unsettled = {entry.image_id for entry in open_entries(catalog)}
        self._here: list[tuple[LibraryFile, LibraryFile]] = []
        self._gone: list[MissingFile] = []
        self._forgotten: list[LibraryFile] = []
        self._on_other_disk: list[tuple[bytes, int, int]] = []
        self._unreachable = self._back = 0
        self.lost: dict[bytes, MissingFile] = {}
        self._known_lost: dict[bytes, MissingFile] = {}

    def look_at_files(self, stage: Stage) -> None:
        """Check every place that is not a symbolic link: equal size and time mean unchanged."""
        root, lstat, disks = self._root, os.lstat, self._disks.seen
        for number, (path, size_bytes, mtime_ns, device) in enumerate(places_to_check(self._catalog), start=1):
            if number % _PROGRESS_EVERY == 0:
                stage.advance(_PROGRESS_EVERY)
            try:
                found = lstat(root + path)
            except OSError as error:
                self._refused(path, error)
                continue
            disks.add((device, path.rpartition(b"/")[0]))
            if found.st_size != size_bytes or (found.st_mtime_ns != mtime_ns and time_of(found) != mtime_ns):
                self._try_closer(path, found)
            elif str(found.st_dev) != device:
                self._on_other_disk.append((path, found.st_ino, found.st_dev))

    def look_at_links(self, stage: Stage) -> None:
        """Check every symbolic link of ours: whether it exists, and whether its target is unchanged."""
        for path, size_bytes, mtime_ns, device, *of_original in links_to_check(self._catalog):
            stage.advance()
            try:
                found = os.lstat(self._root + path)
                original = link_target(self._root + path)
            except OSError as error:
                self._refused(path, error)
                continue
            self._disks.seen.add((device, path.rpartition(b"/")[0]))
            if (found.st_size, time_of(found)) != (size_bytes, mtime_ns):
                self._try_closer(path, found)
                continue
            if str(found.st_dev) != device:
                self._on_other_disk.append((path, found.st_ino, found.st_dev))
            if original is None:
                self._lose(path, ChangeKind.DANGLING)
            elif of_original[0] is not None and _differs(original, *of_original):
                self._read_original(path)

    def look_at_missing(self) -> None:
        """Check what is recorded as missing: targets of links and deleted files may be back."""
        for one in missing(self._catalog):
            path = self._root + one.place.path
            if one.what is ChangeKind.DANGLING:
                self._look_at_dangling(one, path)
            elif one.what is ChangeKind.DELETED or one.place.method is not Method.SYMLINK:
                if one.what is ChangeKind.REPLACED and not os.path.lexists(path):
                    self._gone.append(replace(one, what=ChangeKind.DELETED))
                self._known_lost[one.place.path] = one

    def search(self) -> None:
        """Search the library for lost files: by inode, size and time, else by content."""
        if not self.lost and not self._known_lost:
            return
        loose = list(other_files(self._library, known_paths(self._catalog) - self.lost.keys()))
        by_inode = {one.place.inode: one for one in self._all_lost() if one.what is not ChangeKind.DANGLING}
        for path, inode in loose:
            one = by_inode.get(inode)
            # A link whose original has changed is unchanged itself.
            if one is None or (one.what is ChangeKind.REPLACED and path == one.place.path):
                continue
            if self._is_that(path, one.place):
                self._found(one, path)
        wanted: dict[int, list[MissingFile]] = defaultdict(list)
        for one in self._all_lost():
            if one.place.beside is None and one.place.method is not Method.SYMLINK:
                wanted[one.place.size_bytes].append(one)
        for path, _ in loose if wanted else ():
            self._match_content(path, wanted)

    def changes(self) -> LibraryChanges:
        """What was not found is gone, if its folder could be read."""
        for one in self.lost.values():
            if one.what is not ChangeKind.DELETED or self._disks.has(one.place):
                self._gone.append(one)
            else:
                self._unreachable += 1
        return LibraryChanges(
            here=self._here,
            gone=self._gone,
            forgotten=self._forgotten,
            on_other_disk=self._on_other_disk,
            back=self._back,
            unreachable=self._unreachable,
        )

    def _all_lost(self) -> Iterator[MissingFile]:
        yield from self._known_lost.values()
        yield from self.lost.values()

    def _lose(self, path: bytes, what: ChangeKind) -> None:
        place = place_at(self._catalog, path)
        if place is not None and place.image_id not in self._unsettled:
            self.lost[path] = MissingFile(place=place, what=what)

    def _refused(self, path: bytes, error: OSError) -> None:
        if isinstance(error, NOT_THERE):
            self._lose(path, ChangeKind.DELETED)
        else:
            self._unreachable += 1

    def _try_closer(self, path: bytes, found: os.stat_result) -> None:
        try:
            self._look_closer(path, found)
        except OSError:
            self._unreachable += 1

    def _look_closer(self, path: bytes, found: os.stat_result) -> None:
        """For another size or time: the same content is still ours, any other is the person's."""
        place, file = place_at(self._catalog, path), self._library / to_path(path)
        if place is None or place.image_id in self._unsettled:
            return
        if place.method is Method.SYMLINK:
            is_ours = is_link_to(file, to_path(place.source))
            what = self._change_of_original(place) if is_ours else ChangeKind.REPLACED
            if what is None:
                self._here.append((place, as_found(place, found)))
            else:
                self.lost[path] = MissingFile(place=place, what=what)
        elif found.st_size == place.size_bytes and has_content(file, place.image_id):
            self._here.append((place, as_found(place, found)))
        elif place.beside is not None and is_crawl_file(place, found) and (content := file_sha256(file)) is not None:
            self._here.append((place, replace(as_found(place, found), image_id=content)))
        else:
            self.lost[path] = MissingFile(place=place, what=ChangeKind.REPLACED)

    def _read_original(self, path: bytes) -> None:
        place = place_at(self._catalog, path)
        if place is not None and not has_content(to_path(place.source), place.image_id):
            self._lose(path, ChangeKind.REPLACED)

    def _look_at_dangling(self, one: MissingFile, path: bytes) -> None:
        try:
            found, original = os.lstat(path), link_target(path)
        except NOT_THERE:
            self._forgotten.append(one.place)
        except OSError:
            self._unreachable += 1
        else:
            if not is_link_to(self._library / to_path(one.place.path), to_path(one.place.source)):
                self._gone.append(replace(one, what=ChangeKind.REPLACED))
            elif original is not None:
                self._back += 1
                self._here.append((one.place, as_found(one.place, found)))

    def _is_that(self, path: bytes, place: LibraryFile) -> bool:
        with suppress(OSError):
            if place.method is Method.SYMLINK:
                return is_link_to(self._library / to_path(path), to_path(place.source))
            found = os.lstat(self._root + path)
            return (found.st_size, time_of(found)) == (place.size_bytes, place.mtime_ns)
        return False

    def _match_content(self, path: bytes, wanted: dict[int, list[MissingFile]]) -> None:
        try:
            found = os.lstat(self._root + path)
        except OSError:
            return
        likely = wanted.get(found.st_size, ()) if stat.S_ISREG(found.st_mode) else ()
        # Files that were missing before must match in time as well, so that nothing is read repeatedly.
        likely = [one for one in likely if one.place.path in self.lost or one.place.mtime_ns == time_of(found)]
        content = file_sha256(self._library / to_path(path)) if likely else None
        for one in likely:
            if one.place.image_id == content:
                self._found(one, path)
                break

    def _found(self, one: MissingFile, path: bytes) -> None:
        """Record that it was moved to `path` by hand."""
        is_new = self.lost.pop(one.place.path, None) is not None
        if not is_new and self._known_lost.pop(one.place.path, None) is None:
            return
        self._back += not is_new
        self._gone = [gone for gone in self._gone if gone.place != one.place]
        now = replace(as_found(one.place, os.lstat(self._root + path)), path=path)
        what = self._change_of_original(now) if now.method is Method.SYMLINK else None
        if what is None:
            self._here.append((one.place, now))
        else:
            self._gone.append(MissingFile(place=now, what=what))

    def _change_of_original(self, link: LibraryFile) -> ChangeKind | None:
        """What became of a link's original; None when it is as it was, or the link is a sidecar's."""
        if link.beside is not None:
            return None
        original = link_target(self._root + link.path)
        if original is None:
            return ChangeKind.DANGLING
        recorded = recorded_original(self._catalog, link)
        is_same = recorded is None or not _differs(original, *recorded)
        return None if is_same or has_content(to_path(link.source), link.image_id) else ChangeKind.REPLACED


def _differs(original: os.stat_result, size_bytes: int, mtime_ns: int, has_its_content: int) -> bool:
    return not has_its_content or (original.st_size, time_of(original)) != (size_bytes, mtime_ns)
