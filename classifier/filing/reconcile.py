"""Makes the catalog agree with the disk: the first step of every command that reads or counts a library.

Nothing on the disk is changed. All differences are recorded in one transaction, so a kill leaves all or none recorded.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifier.catalog.connection import is_library, open_catalog, read_catalog
from classifier.catalog.library_changes import ChangeKind, LibraryChanges, record_changes, restore_sidecar_sources
from classifier.catalog.lock import hold_lock
from classifier.catalog.moves import has_open_entries
from classifier.catalog.places import count_places
from classifier.catalog.values import to_path
from classifier.errors import Counted, FilingStopped, LibraryError, Message
from classifier.filing.library_diff import compare
from classifier.filing.path_scope import name_crawl
from classifier.filing.recovery import recover
from classifier.filing.renamed_folders import RenamedFolder, apply_renamed_folders
from classifier.filing.stopped_runs import decide_where_stopped, decisions_where_stopped
from classifier.progress import Progress, SilentProgress, SilentStage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from classifier.catalog.connection import Catalog

_MANY = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """The new differences that one comparison found; counts of images unless noted."""

    deleted: int = 0
    replaced: tuple[Path, ...] = ()
    """Files, also sidecars, that have another content now; paths within the library."""
    dangling: tuple[Path, ...] = ()
    """Symbolic links, also to sidecars, that are dangling now; paths within the library."""
    moved: int = 0
    back: int = 0
    """Missing before, and present again."""
    unreachable: int = 0
    """Files that could not be checked."""
    renamed: tuple[tuple[str, str], ...] = ()
    """Old and new names of categories whose folder was renamed."""

    def sentences(self) -> list[Message]:
        """The messages for a person, one line each."""
        counts = (
            Message(
                "files no longer in the library, so not counted and not filed again: {count:,}", count=self.deleted
            ),
            Message(
                "files changed in the library since they were filed, and yours from now on: {count:,}",
                count=len(self.replaced),
            ),
            Message(
                "files links whose original is gone, made anew when its crawl is sorted again: {count:,}",
                count=len(self.dangling),
            ),
            Message("files moved by you within the library, and left there: {count:,}", count=self.moved),
            Message("files in the library again: {count:,}", count=self.back),
            Message("files out of reach now, and taken to be as recorded: {count:,}", count=self.unreachable),
        )
        renamed = [
            Message("the category {old} is called {new} now, as you renamed its folder", old=old, new=new)
            for old, new in self.renamed
        ]
        return [*(message for message in counts if message.params["count"]), *renamed]


def reconcile(catalog: Catalog, library: Path, progress: Progress | None = None) -> Reconciled:
    """Record what a person changed in `library`; its owner calls it, after `recover`."""
    restore_sidecar_sources(catalog)
    changes = _compared(catalog, library, progress or SilentProgress())
    found = _recorded(catalog, library, changes)
    decide_where_stopped(catalog)
    return found


def reconcile_if_free(library: Path, progress: Progress | None = None, *, is_settled: bool = True) -> Reconciled | None:
    """Like `reconcile`, for a command that only reads: writes nothing if nothing differs.

    With `is_settled`, what a run that was stopped left open is settled first. Returns None, and does nothing, if
    there is no library, another process owns it, or it cannot be written: then the catalog is shown as it is.
    """
    if not is_library(library):
        return None
    try:
        with hold_lock(library):
            with read_catalog(library) as catalog:
                is_left = is_settled and (has_open_entries(catalog) or bool(decisions_where_stopped(catalog)))
                changes = None if is_left else _compared(catalog, library, progress or SilentProgress())
            if changes is not None and not changes.any:
                return Reconciled(unreachable=changes.unreachable)
            with open_catalog(library) as catalog:
                if changes is None:
                    recover(catalog, library)
                    return reconcile(catalog, library, progress)
                return _recorded(catalog, library, changes)
    except (LibraryError, FilingStopped):
        return None


def report_reconciled(found: Reconciled | None, progress: Progress) -> None:
    """Report what was found."""
    for sentence in found.sentences() if found else ():
        progress.say(sentence)


def missing_messages(counts: Mapping[str, int]) -> list[Message]:
    """Everything that is missing from a library, one line each; `counts` by values of ChangeKind."""
    messages = (
        Message(
            "{count:,} no longer in the library (a sort with --restore-deleted files them again)",
            count=counts.get(ChangeKind.DELETED, 0),
        ),
        Message(
            "{count:,} changed in the library since they were filed, and yours now",
            count=counts.get(ChangeKind.REPLACED, 0),
        ),
        Message(
            "{count:,} links whose original is gone (sorting its crawl again makes them anew)",
            count=counts.get(ChangeKind.DANGLING, 0),
        ),
    )
    return [message for message in messages if message.params["count"]]


def _compared(catalog: Catalog, library: Path, progress: Progress) -> LibraryChanges:
    total = count_places(catalog)
    if total < _MANY:
        return compare(catalog, library, SilentStage())
    with progress.stage(Message("looking at the library"), total=total, unit="file") as stage:
        return compare(catalog, library, stage)


def _recorded(catalog: Catalog, library: Path, changes: LibraryChanges) -> Reconciled:
    renamed: list[RenamedFolder] = []
    if changes.any:
        with catalog.transaction():  # a rename is seen by moves that are new
            record_changes(catalog, changes)
            renamed = apply_renamed_folders(catalog, library)
    paths = {what: tuple(to_path(one.place.path) for one in changes.gone if one.what is what) for what in ChangeKind}
    return Reconciled(
        deleted=sum(one.what is ChangeKind.DELETED and one.place.beside is None for one in changes.gone),
        replaced=paths[ChangeKind.REPLACED],
        dangling=paths[ChangeKind.DANGLING],
        moved=sum(old.path != new.path for old, new in changes.here),
        back=changes.back,
        unreachable=changes.unreachable,
        renamed=tuple((folder.old, folder.new) for folder in renamed),
    )


@contextmanager
def open_library(library: Path, progress: Progress, *, named: Path | None = None) -> Iterator[Catalog]:
    """The library's catalog, owned and recovered; `named` is the crawl that a person named to this command.

    Raises LibraryError while another process owns it.
    """
    with hold_lock(library), open_catalog(library) as catalog:
        if named is not None:
            name_crawl(catalog, named)
        recovered = recover(catalog, library)
        if recovered.rebuilt:
            progress.say(
                Counted(
                    "the catalog was lost: {count:,} change was read from the plain record beside it",
                    "the catalog was lost: {count:,} changes were read from the plain record beside it",
                    count=recovered.rebuilt,
                )
            )
        if recovered.done or recovered.cancelled:
            count = recovered.done + recovered.cancelled
            progress.say(Message("the last run was stopped: {count} open moves were settled", count=count))
        for left in (*recovered.damaged, *recovered.unnamed):
            progress.say(Message("{path}: {why}", path=left.path, why=left.reason))
        for path in recovered.gone:
            progress.say(
                Message(
                    "{path}: was being filed when the last run was stopped, and is neither there nor here", path=path
                )
            )
        report_reconciled(reconcile(catalog, library, progress), progress)
        yield catalog
