"""Settles the moves that a kill, a power cut or a disk error left open, from the state of the disk.

Recovery removes only three things: a temporary file that a row names, an empty placeholder of ours, and the source of
a move whose target was read back and holds the image. If it is killed, it can simply run again. A lost catalog is
first rebuilt from the move log.
"""

from __future__ import annotations

import errno
import os
import stat
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from classifier.catalog import undo_queries
from classifier.catalog.connection import NAME
from classifier.catalog.filesystem import state_folder
from classifier.catalog.move_log import NAME as MOVE_LOG
from classifier.catalog.moves import MoveRecord, MoveState, close_damaged, finish, library_file_of, open_entries, update
from classifier.catalog.places import add_places
from classifier.catalog.values import to_bytes, to_path
from classifier.errors import Counted, FilingStopped, Message, message_of
from classifier.filing.destination import TEMPORARY, candidate_names
from classifier.filing.file_checks import has_content, is_link_to, is_same_entry, lstat_or_none
from classifier.filing.fsops import Disk
from classifier.filing.inverse import SkippedFile
from classifier.filing.path_scope import PathScope, unnamed_reason
from classifier.filing.plan import journal_path
from classifier.filing.results import kept_source
from classifier.records import Method

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from classifier.catalog.connection import Catalog
    from classifier.catalog.moves import DamagedRow
    from classifier.catalog.places import LibraryFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """How many open changes turned out done or not done, and which images are at neither place."""

    done: int
    cancelled: int
    gone: tuple[Path, ...]
    rebuilt: int = 0
    """Changes read from the log of moves because the catalog was lost."""
    damaged: tuple[SkippedFile, ...] = ()
    """Damaged lines of the log and open rows of the journal, which were skipped."""
    unnamed: tuple[SkippedFile, ...] = ()
    """Rows that stay open because they would change a crawl that no person named."""


def recover(catalog: Catalog, library: Path, *, disk: Disk | None = None) -> Recovered:
    """Settle every open row; to be called at every start, before anything else, by the library's owner.

    Rows that would change a crawl that no person named stay open.
    Raises FilingStopped when the disk refuses: the rows stay open for the next start.
    """
    try:
        rebuilt, lines = rebuild(catalog, library)
        rows = close_damaged(catalog)
        bounds = PathScope(catalog, library)
        entries = [(entry, bounds.unnamed(entry)) for entry in open_entries(catalog)]
        unnamed = Counter((entry.run, crawl) for entry, crawl in entries if crawl is not None)
        own = (entry for entry, crawl in entries if crawl is None)
        results = [_settle(entry, bounds, catalog, library, disk or Disk()) for entry in own]
        if results:
            places = [place for entry in results if (place := _place(entry, library)) is not None]
            finish(catalog, results, library=library, places=places)
    except OSError as error:
        raise FilingStopped(
            "cannot settle what was left open: {why}: {path}", why=message_of(error), path=error.filename or library
        ) from error
    gone = tuple(to_path(entry.source) for entry in results if entry.state is MoveState.GONE)
    states = [entry.state for entry in results]
    return Recovered(
        done=states.count(MoveState.DONE),
        cancelled=states.count(MoveState.CANCELLED),
        gone=gone,
        rebuilt=rebuilt,
        damaged=(*_passed_over(library, lines), *_unreadable(library, rows)),
        unnamed=_stay_open(library, unnamed),
    )


def _passed_over(library: Path, lines: Iterable[int]) -> list[SkippedFile]:
    path = state_folder(library) / MOVE_LOG
    return [
        SkippedFile(path=path, reason=Message("line {line} is damaged and was passed over", line=number))
        for number in lines
    ]


def _unreadable(library: Path, rows: Iterable[DamagedRow]) -> list[SkippedFile]:
    path = state_folder(library) / NAME
    reasons = [
        Message(
            "change {change} was stopped in its midst, but its record is damaged: nothing was done ({field})",
            change=row.id,
            field=row.field,
        )
        for row in rows
    ]
    return [SkippedFile(path=path, reason=reason) for reason in reasons]


def _stay_open(library: Path, counts: Mapping[tuple[int, Path], int]) -> tuple[SkippedFile, ...]:
    path, left = state_folder(library) / NAME, []
    for (run, crawl), count in sorted(counts.items()):
        stays = Counted(
            "run {run} was stopped, and {count:,} change of it stays open until that crawl is sorted: {why}",
            "run {run} was stopped, and {count:,} changes of it stay open until that crawl is sorted: {why}",
            count=count,
            run=run,
            why=unnamed_reason(library, crawl),
        )
        left.append(SkippedFile(path=path, reason=stays))
    return tuple(left)


def _settle(entry: MoveRecord, bounds: PathScope, catalog: Catalog, library: Path, disk: Disk) -> MoveRecord:
    trouble = bounds.trouble(entry)
    if trouble is not None:
        return replace(entry, state=MoveState.FAILED, note=trouble)
    return _OpenMove(entry, catalog=catalog, library=library, disk=disk).settle()


def is_temporary(name: str) -> bool:
    """Whether a file of this name is an unfinished copy, of this run or an interrupted one."""
    return TEMPORARY.fullmatch(name) is not None


class _OpenMove:
    """One open row with its paths."""

    def __init__(self, entry: MoveRecord, *, catalog: Catalog, library: Path, disk: Disk) -> None:
        self.catalog = catalog
        self.library = library
        self.entry = entry
        self.disk = disk
        self.source = library / to_path(entry.source)
        self.target = library / to_path(entry.target or b"")
        self.temporary = None if entry.temporary is None else library / to_path(entry.temporary)

    def settle(self) -> MoveRecord:
        """Check, repair, and return the row as it ended."""
        if self.entry.method is Method.REMOVE:
            return self._removed()
        self._remove_placeholder()
        entry = self._proved()
        if entry.state is not MoveState.GONE:
            self._remove_temporary()
        return entry

    def _removed(self) -> MoveRecord:
        if lstat_or_none(self.source) is not None:
            return replace(self.entry, state=MoveState.CANCELLED, note="stopped before it was done")
        self._sync(self.source.parent)
        return replace(self.entry, state=MoveState.DONE)

    def _proved(self) -> MoveRecord:
        if self._has_content(self.target):
            return self._at_target()
        if lstat_or_none(self.source) is not None:
            return replace(self.entry, state=MoveState.CANCELLED, note="stopped before it was done")
        if self.temporary is not None and has_content(self.temporary, self.entry.image_id):
            self._rescue(self.temporary)
            return self._at_target()
        # An incomplete copy is kept then: it may be all that is left.
        return replace(self.entry, state=MoveState.GONE, note="neither at its old place nor at its new one")

    def _rescue(self, temporary: Path) -> None:
        """The source is gone, so this copy may be the last: move it to the first free name."""
        for name in candidate_names(self.target.name, self.entry.image_id):
            self.target = self.target.with_name(name)
            self.entry = replace(self.entry, target=to_bytes(journal_path(self.target, self.library)))
            with suppress(FileExistsError):
                return self.disk.rename_noreplace(temporary, self.target, claim=self._claim)
        raise FileExistsError(errno.EEXIST, Message("every name for it is taken"), str(temporary))

    def _claim(self) -> None:
        update(self.catalog, replace(self.entry, state=MoveState.CLAIMED))

    def _at_target(self) -> MoveRecord:
        """The target has the image: make it durable, and finish a move whose source still exists."""
        entry = self._entry_as_done()
        if entry is None:
            return replace(self.entry, state=MoveState.CANCELLED, note="an equal file lies there already")
        if stat.S_ISREG(self.target.lstat().st_mode):
            self.disk.sync_file(self.target)
        self._sync(self.target.parent)
        if self._moves and self._has_content(self.source):
            try:
                self.disk.remove(self.source, other=self.target)
            except OSError as error:
                entry = replace(entry, method=Method.COPY, note=kept_source(message_of(error)))
        if self._moves:
            self._sync(self.source.parent)
        return replace(entry, state=MoveState.DONE)

    def _entry_as_done(self) -> MoveRecord | None:
        """The row with the method that was used in the end; None if the file found is not ours.

        A move by rename never leaves two different files; and two spellings of one name are one file, not two.
        """
        source = lstat_or_none(self.source)
        same = source is not None and os.path.samestat(source, self.target.lstat())
        if self._moves and source is not None and self._has_content(self.source):
            if same and (source.st_nlink == 1 or is_same_entry(self.source, self.target)):
                return None
            if not same and self.temporary is None:
                return None
        if self.entry.method is Method.LINK and not same:
            return replace(self.entry, method=Method.COPY)
        return self.entry

    @property
    def _moves(self) -> bool:
        return self.entry.method in {Method.MOVE, Method.RENAME, Method.RESTORE}

    def _has_content(self, path: Path) -> bool:
        if self.entry.method is Method.SYMLINK:
            return is_link_to(path, self.source)
        found = lstat_or_none(path)
        if found is not None and self.entry.method is Method.RENAME and stat.S_ISLNK(found.st_mode):
            return (found.st_ino, found.st_size) == (self.entry.inode, self.entry.size_bytes)
        return has_content(path, self.entry.image_id)

    def _remove_placeholder(self) -> None:
        found = lstat_or_none(self.target)
        if self.entry.state is not MoveState.CLAIMED or self.entry.size_bytes == 0 or found is None:
            return
        if stat.S_ISREG(found.st_mode) and found.st_size == 0:
            self.disk.remove(self.target)

    def _remove_temporary(self) -> None:
        path = self.temporary
        found = None if path is None else lstat_or_none(path)
        if path is not None and found is not None and stat.S_ISREG(found.st_mode) and is_temporary(path.name):
            self.disk.remove(path)

    def _sync(self, folder: Path) -> None:
        if lstat_or_none(folder) is not None:
            self.disk.sync_folder(folder)


def _place(entry: MoveRecord, library: Path) -> LibraryFile | None:
    if entry.state is not MoveState.DONE or entry.target is None or to_path(entry.target).is_absolute():
        return None
    return library_file_of(entry, (library / to_path(entry.target)).lstat())


_LEAVES_LIBRARY = frozenset({Method.REMOVE, Method.RESTORE})


def rebuild(catalog: Catalog, library: Path) -> tuple[int, tuple[int, ...]]:
    """Fill an empty journal and the places from the log of moves; returns the number of changes and damaged lines.

    Without this, a new catalog would number its changes from 1 again, and the log would have each number twice.
    """
    with catalog.transaction():
        count, damaged = undo_queries.rebuild_journal(catalog, library)
        if count:
            bounds = PathScope(catalog, library)
            for entry in undo_queries.all_standing_moves(catalog):
                add_places(catalog, _places(entry, bounds, library), renamed=entry.method is Method.RENAME)
    return count, damaged


def _places(entry: MoveRecord, bounds: PathScope, library: Path) -> list[LibraryFile]:
    target = to_path(entry.target or b"")
    if entry.method in _LEAVES_LIBRARY or not bounds.is_in_library(target):
        return []
    return [library_file_of(entry, lstat_or_none(library / target))]
