"""Which recorded paths may be used, and the crawls that this person named on this computer.

The journal and the move log may be damaged, or come with a library from somebody else. So every change is checked here
before it is carried out, undone or settled, even if its checksum is right: one path must be in the library, the other
in the crawl of its run. A change outside the library also needs a crawl that the person named: one that was sorted with
`--mode move`, or was given to undo. Each is recorded in the person's own state folder, in a small file per pair of
library and crawl, named by their hash, so that several processes can write at once.
"""

from __future__ import annotations

import hashlib
import os
import stat
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from platformdirs import user_state_path

from classifier.catalog.filesystem import state_folder
from classifier.catalog.runs import crawl_of
from classifier.catalog.undo_queries import entry_of
from classifier.catalog.values import to_path
from classifier.errors import Message, message_of
from classifier.filing.destination import REPLACED, temporary_name
from classifier.filing.file_checks import lstat_or_none
from classifier.own_files import READ, open_own, write_own
from classifier.paths import command, displayable, to_json
from classifier.records import Method

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.catalog.connection import Catalog
    from classifier.catalog.moves import MoveRecord
    from classifier.progress import Progress

_OUT_OF_LIBRARY = frozenset({Method.REMOVE, Method.RESTORE})
_FROM_LIBRARY = _OUT_OF_LIBRARY | {Method.RENAME}


class PathScope:
    """The paths that changes of one library may touch; results about folders are cached in this object."""

    def __init__(self, catalog: Catalog, library: Path) -> None:
        self._catalog = catalog
        self._library = library
        self._crawls: dict[int, Path | None] = {}
        self._links: dict[tuple[Path, Path], Path | None] = {}
        self._named: dict[Path, Path | None] = {}

    def trouble(self, entry: MoveRecord) -> Message | None:
        """Why a change must not be carried out; None if it may be."""
        return _first(self._troubles(entry))

    def unnamed(self, entry: MoveRecord) -> Path | None:
        """The crawl in which a change, or its undo, changes a file although no person named that crawl; else None."""
        crawl = self._crawl(self._run_of(entry)) if _changes_crawl(entry) else None
        return None if crawl is None or self._named_root(crawl) is not None else crawl

    def is_in_library(self, path: Path) -> bool:
        """Whether a recorded path within the library leads to a file that may be used."""
        return _first(self._in_library(one) for one in (path,)) is None

    def is_folder_in_library(self, path: Path) -> bool:
        """Whether a recorded folder within the library may be removed if it is empty."""
        return self.is_in_library(path / "any")

    def _troubles(self, entry: MoveRecord) -> Iterator[Message | None]:
        source, target = to_path(entry.source), to_path(entry.target or entry.source)
        changes, run = _changes_crawl(entry), self._run_of(entry)
        yield self._in_library(source) if entry.method in _FROM_LIBRARY else self._in_crawl(source, run, changes)
        if entry.target is not None:
            leaves = entry.method in _OUT_OF_LIBRARY and target.is_absolute()
            yield self._in_crawl(target, run, changes) if leaves else self._in_library(target)
        copy = target.with_name(temporary_name(entry.run, entry.id))
        if entry.temporary is not None and to_path(entry.temporary) != copy:
            yield Message(
                "{path} is no copy under way to {target}",
                path=displayable(to_path(entry.temporary)),
                target=displayable(target),
            )

    def _run_of(self, entry: MoveRecord) -> int:
        """The run whose crawl an entry refers to: for the removal of a link, the run that made the link."""
        if entry.method is not Method.REMOVE or entry.undoes is None:
            return entry.run
        made = entry_of(self._catalog, entry.undoes)
        return entry.run if made is None else made.run

    def _in_library(self, path: Path) -> Message | None:
        if path.is_absolute() or not path.parts:
            return Message("{path} is not in the library", path=displayable(path))
        return self._below(self._library, path)

    def _in_crawl(self, path: Path, run: int, changes: bool) -> Message | None:
        crawl = self._crawl(run)
        if crawl is None:
            return Message(
                "the record does not say which crawl {path} belongs to; illsort undo --crawl FOLDER says it",
                path=displayable(path),
            )
        if crawl not in path.parents:
            return Message(
                "{path} is not in the crawl of run {run}: {crawl}",
                path=displayable(path),
                run=run,
                crawl=displayable(crawl),
            )
        root = self._named_root(crawl) if changes else crawl
        return unnamed_reason(self._library, crawl) if root is None else self._below(root, path.relative_to(root))

    def _crawl(self, run: int) -> Path | None:
        if run not in self._crawls:
            self._crawls[run] = crawl_of(self._catalog, run)
        return self._crawls[run]

    def _named_root(self, crawl: Path) -> Path | None:
        if crawl not in self._named:
            self._named[crawl] = named_root(self._catalog, self._library, crawl)
        return self._named[crawl]

    def _below(self, root: Path, inner: Path) -> Message | None:
        if ".." in inner.parts or (self._state in inner.parts and inner.parent != REPLACED):
            return Message("{path} is no place for pictures", path=displayable(root / inner))
        lstat_or_none(root / inner)  # raises if no file can have this name
        link = self._link(root, root / inner.parent)
        return None if link is None else Message("{path} is a link to another folder", path=displayable(link))

    def _link(self, root: Path, folder: Path) -> Path | None:
        """The first folder from `root` to `folder`, the latter included, that is a link; else None."""
        if (root, folder) not in self._links:
            between = [folder, *folder.parents]
            between = between[: between.index(root)]
            self._links[root, folder] = next((part for part in reversed(between) if _is_link(part)), None)
        return self._links[root, folder]

    @cached_property
    def _state(self) -> str:
        return state_folder(self._library).name


def _changes_crawl(entry: MoveRecord) -> bool:
    """Whether a change, and so its undo, creates or removes a file outside the library."""
    return entry.method is Method.MOVE or (
        entry.method is Method.RESTORE and to_path(entry.target or entry.source).is_absolute()
    )


def _first(troubles: Iterator[Message | None]) -> Message | None:
    try:
        return next((trouble for trouble in troubles if trouble is not None), None)
    except (OSError, ValueError) as error:  # an invalid or too long name, or a folder that may not be read
        return message_of(error)


def _is_link(folder: Path) -> bool:
    found = lstat_or_none(folder)
    return found is not None and stat.S_ISLNK(found.st_mode)


_OWN: Final = 0o600


def name_crawl(catalog: Catalog, crawl: Path) -> None:
    """Count `crawl`, which a person named to this command, as named while the catalog is open.

    If it is now a link, this holds for both of its paths, because the catalog has the earlier one.
    """
    catalog.named |= {crawl.absolute(), real_path(crawl)}


def record_named_crawls(catalog: Catalog, library: Path, progress: Progress) -> None:
    """Record the named crawls for later commands; if that fails, report the consequence."""
    for crawl in sorted(catalog.named):
        try:
            record_named_crawl(library, crawl)
        except (OSError, RuntimeError) as error:
            progress.say(
                Message(
                    "cannot note that you named {crawl} ({why}): illsort undo will ask for it",
                    crawl=crawl,
                    why=message_of(error),
                )
            )


def record_named_crawl(library: Path, crawl: Path) -> None:
    """Record that `crawl` was named for `library`. Raises OSError, or RuntimeError without a home folder."""
    path = _note(library, crawl)
    if _holds(path, library, crawl):
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_own(path, _content(library, crawl), permissions=_OWN)


def named_root(catalog: Catalog, library: Path, crawl: Path) -> Path | None:
    """The crawl, or a folder above it, that a person named for `library`, to this command or an earlier one."""
    return next((one for one in (crawl, *crawl.parents) if one in catalog.named or _is_noted(library, one)), None)


def real_path(path: Path) -> Path:
    """The path without links; unlike `Path.resolve`, no error for links in a circle."""
    return Path(os.path.realpath(path))


def unnamed_reason(library: Path, crawl: Path) -> Message:
    """Why nothing is changed in a crawl that was not named, and what to do about it."""
    params = {"crawl": displayable(crawl), "command": command("undo", library, "--crawl", crawl)}
    note = _damaged_note(library, crawl)
    if note is None:
        return Message(
            "only this library's record names {crawl}, nobody on this computer; if it is your crawl: {command}",
            **params,
        )
    return Message(
        "only this library's record names {crawl}, nobody on this computer (the note of it is damaged: {note}); if it "
        "is your crawl: {command}",
        note=note,
        **params,
    )


def _is_noted(library: Path, crawl: Path) -> bool:
    try:
        return _holds(_note(library, crawl), library, crawl)
    except RuntimeError:
        return False


def _damaged_note(library: Path, crawl: Path) -> Path | None:
    """The damaged note of the crawl, which names something else; None if there is none."""
    try:
        path = _note(library, crawl)
    except RuntimeError:
        return None
    return path if os.path.lexists(path) else None


def _note(library: Path, crawl: Path) -> Path:
    """The file that notes the pair. Raises RuntimeError where this user has no folder for state."""
    folder = user_state_path("illsort", appauthor=False)
    if not folder.is_absolute():  # a note below the current folder could be a stranger's
        raise RuntimeError("there is no home folder")
    return folder / "crawls" / f"{hashlib.sha256(_content(library, crawl)).hexdigest()}.json"


def _holds(path: Path, library: Path, crawl: Path) -> bool:
    content = _content(library, crawl)
    try:
        with open_own(path, READ) as file:
            return file.read(len(content) + 1) == content
    except OSError:
        return False


def _content(library: Path, crawl: Path) -> bytes:
    return (to_json({"library": library.resolve(), "crawl": crawl}) + "\n").encode()
