"""Which recorded paths may be used: the library's side in the library, the crawl's side in the crawl of its run.

The journal and the trail may be damaged, or come with a library of a stranger's. So every change passes here before
it is carried out, taken back or settled, whatever its checksum says. One that changes a file outside of the library
needs more than the record: a crawl that a person named.
"""

from __future__ import annotations

import stat
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.catalog.filesystem import state_folder
from classifier.catalog.runs import crawl_of
from classifier.catalog.undo_queries import entry_of
from classifier.catalog.values import to_path
from classifier.filing.destination import REPLACED, temporary_name
from classifier.filing.file_checks import look
from classifier.filing.known_crawls import named_root, not_named
from classifier.filing.results import words
from classifier.paths import displayable
from classifier.records import Method

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.catalog.connection import Catalog
    from classifier.catalog.moves import MoveRecord

_OUT_OF_LIBRARY = frozenset({Method.REMOVE, Method.RESTORE})
_FROM_LIBRARY = _OUT_OF_LIBRARY | {Method.RENAME}


class PathScope:
    """What the changes of one library may touch; what is known of folders holds as long as this lives."""

    def __init__(self, catalog: Catalog, library: Path) -> None:
        self._catalog = catalog
        self._library = library
        self._crawls: dict[int, Path | None] = {}
        self._links: dict[tuple[Path, Path], Path | None] = {}
        self._named: dict[Path, Path | None] = {}

    def trouble(self, entry: MoveRecord) -> str | None:
        """Why a change must not be carried out, None when it may be."""
        return _first(self._troubles(entry))

    def unnamed(self, entry: MoveRecord) -> Path | None:
        """The crawl in which a change, or taking it back, changes a file, when no person named it."""
        crawl = self._crawl(self._run_of(entry)) if _changes_crawl(entry) else None
        return None if crawl is None or self._named_root(crawl) is not None else crawl

    def is_in_library(self, path: Path) -> bool:
        """Whether a recorded path, from the library on, leads to a file that may be used."""
        return _first(self._in_library(one) for one in (path,)) is None

    def is_folder_in_library(self, path: Path) -> bool:
        """Whether a recorded folder, from the library on, is one that may be removed when it is empty."""
        return self.is_in_library(path / "any")

    def _troubles(self, entry: MoveRecord) -> Iterator[str | None]:
        source, target = to_path(entry.source), to_path(entry.target or entry.source)
        changes, run = _changes_crawl(entry), self._run_of(entry)
        yield self._in_library(source) if entry.method in _FROM_LIBRARY else self._in_crawl(source, run, changes)
        if entry.target is not None:
            leaves = entry.method in _OUT_OF_LIBRARY and target.is_absolute()
            yield self._in_crawl(target, run, changes) if leaves else self._in_library(target)
        copy = target.with_name(temporary_name(entry.run, entry.id))
        if entry.temporary is not None and to_path(entry.temporary) != copy:
            yield f"{displayable(to_path(entry.temporary))} is no copy under way to {displayable(target)}"

    def _run_of(self, entry: MoveRecord) -> int:
        """The run whose crawl an entry leads to: a link that is taken away led where the run that made it had it."""
        if entry.method is not Method.REMOVE or entry.undoes is None:
            return entry.run
        made = entry_of(self._catalog, entry.undoes)
        return entry.run if made is None else made.run

    def _in_library(self, path: Path) -> str | None:
        if path.is_absolute() or not path.parts:
            return f"{displayable(path)} is not in the library"
        return self._below(self._library, path)

    def _in_crawl(self, path: Path, run: int, changes: bool) -> str | None:
        crawl = self._crawl(run)
        if crawl is None:
            where = displayable(path)
            return f"the record does not say which crawl {where} belongs to; illsort undo --crawl FOLDER says it"
        if crawl not in path.parents:
            return f"{displayable(path)} is not in the crawl of run {run}: {displayable(crawl)}"
        root = self._named_root(crawl) if changes else crawl
        return not_named(self._library, crawl) if root is None else self._below(root, path.relative_to(root))

    def _crawl(self, run: int) -> Path | None:
        if run not in self._crawls:
            self._crawls[run] = crawl_of(self._catalog, run)
        return self._crawls[run]

    def _named_root(self, crawl: Path) -> Path | None:
        if crawl not in self._named:
            self._named[crawl] = named_root(self._catalog, self._library, crawl)
        return self._named[crawl]

    def _below(self, root: Path, inner: Path) -> str | None:
        if ".." in inner.parts or (self._state in inner.parts and inner.parent != REPLACED):
            return f"{displayable(root / inner)} is no place for pictures"
        look(root / inner)  # whether the system knows such a name at all
        link = self._link(root, root / inner.parent)
        return None if link is None else f"{displayable(link)} is a link to another folder"

    def _link(self, root: Path, folder: Path) -> Path | None:
        """The first of the folders between `root` and `folder`, that one included, that is a link."""
        if (root, folder) not in self._links:
            between = [folder, *folder.parents]
            between = between[: between.index(root)]
            self._links[root, folder] = next((part for part in reversed(between) if _is_link(part)), None)
        return self._links[root, folder]

    @cached_property
    def _state(self) -> str:
        return state_folder(self._library).name


def _changes_crawl(entry: MoveRecord) -> bool:
    """Whether a change, and so taking it back, makes or removes a file outside of the library."""
    return entry.method is Method.MOVE or (
        entry.method is Method.RESTORE and to_path(entry.target or entry.source).is_absolute()
    )


def _first(troubles: Iterator[str | None]) -> str | None:
    try:
        return next((trouble for trouble in troubles if trouble is not None), None)
    except (OSError, ValueError) as error:  # a name that is too long or none, a folder that may not be looked into
        return words(error) if isinstance(error, OSError) else str(error)


def _is_link(folder: Path) -> bool:
    found = look(folder)
    return found is not None and stat.S_ISLNK(found.st_mode)
