"""Checks a library against its catalog: every place, the journal, and other files; changes no file of the user."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifier.catalog.connection import read_catalog
from classifier.catalog.damage import damaged_cells, integrity_error
from classifier.catalog.filesystem import state_folder
from classifier.catalog.library_changes import count_missing
from classifier.catalog.move_log import NAME as MOVE_LOG
from classifier.catalog.move_log import read_lines
from classifier.catalog.moves import damaged_rows, done_ids, open_entries
from classifier.catalog.places import LibraryFile, all_places, count_places, is_known_path
from classifier.catalog.values import to_bytes, to_path
from classifier.errors import Counted, Message, message_of
from classifier.filing.file_checks import has_content, is_link_to, lstat_or_none
from classifier.filing.path_scope import PathScope, unnamed_reason
from classifier.filing.reconcile import reconcile_if_free
from classifier.filing.recovery import is_temporary
from classifier.paths import to_text
from classifier.progress import Progress, SilentProgress
from classifier.records import Method, time_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.catalog.connection import Catalog
    from classifier.filing.reconcile import Reconciled


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something that is wrong."""

    path: Path
    what: Message


@dataclass(kw_only=True)
class VerifySummary:
    """What was checked and what is wrong; `yours` are files in the library that illsort did not put there."""

    checked: int = 0
    missing: dict[str, int] = field(default_factory=dict)
    """How many images are recorded as missing, by kind of change; empty if none are."""
    off: list[Problem] = field(default_factory=list)
    yours: list[Path] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """For JSON: paths as `to_text` writes them."""
        return {
            "checked": self.checked,
            "missing": self.missing,
            "off": [{"path": to_text(off.path), "what": off.what} for off in self.off],
            "yours": [to_text(path) for path in self.yours],
        }


def verify(library: Path, *, quick: bool = False, progress: Progress | None = None) -> VerifySummary:
    """Check `library` against its catalog; `quick` compares size and time only and reads no image.

    Deleted files are counted, not reported; changed ones are listed once, and recorded as the person's own. Raises
    LibraryError if it is not a library or its catalog cannot be read.
    """
    progress, summary = progress or SilentProgress(), VerifySummary()
    summary.off += _found_new(library, reconcile_if_free(library, progress, is_settled=False))
    with read_catalog(library) as catalog:
        summary.off += _catalog(catalog, library)
        with progress.stage(Message("verifying"), total=count_places(catalog), unit="file") as stage:
            for place in all_places(catalog):
                if (what := _wrong(place, library, quick=quick)) is not None:
                    summary.off.append(Problem(path=library / to_path(place.path), what=what))
                summary.checked += 1
                stage.advance()
        _look_about(catalog, library, summary)
        summary.missing = {what.value: count for what, count in count_missing(catalog).items() if count}
    return summary


def _found_new(library: Path, found: Reconciled | None) -> Iterator[Problem]:
    """Files changed since the last comparison; after that they are only counted."""
    if found is not None:
        for path in found.replaced:
            what = Message("was changed since it was filed: from now on it is taken to be yours")
            yield Problem(path=library / path, what=what)
        for path in found.dangling:
            yield Problem(path=library / path, what=Message("leads to nothing: its original is gone"))


def _catalog(catalog: Catalog, library: Path) -> Iterator[Problem]:
    folder = state_folder(library)
    if (error := integrity_error(catalog.connection)) is not None:
        yield Problem(path=catalog.path or folder, what=Message("the catalog is damaged: {why}", why=error))
    for damage in list(damaged_cells(catalog.connection, besides={"moves"})):
        yield Problem(path=catalog.path or folder, what=damage)
    bounds = PathScope(catalog, library)
    for entry in open_entries(catalog):
        unnamed = bounds.unnamed(entry)
        settles = Message("the next sort or undo settles it")
        ends = settles if unnamed is None else unnamed_reason(library, unnamed)
        what = Message("a change was stopped in its midst; {ends}", ends=ends)
        yield Problem(path=library / to_path(entry.target or entry.source), what=what)
    yield from (
        Problem(
            path=catalog.path or folder,
            what=Message("change {number} is damaged: {field}", number=one.id, field=one.field),
        )
        for one in damaged_rows(catalog)
    )
    known, lines = set[int](), list[int]()
    try:
        for number, change in read_lines(library):
            if change is None:
                lines.append(number)
            else:
                known.add(change["id"])
    except OSError as error:
        yield Problem(path=folder / MOVE_LOG, what=Message("cannot be read: {why}", why=message_of(error)))
        return
    yield from (
        Problem(path=folder / MOVE_LOG, what=Message("line {number} is damaged", number=number)) for number in lines
    )
    missing = sum(number not in known for number in done_ids(catalog))
    if missing:
        lacks = Counted(
            "lacks {count:,} change that the catalog holds",
            "lacks {count:,} changes that the catalog holds",
            count=missing,
        )
        yield Problem(path=folder / MOVE_LOG, what=lacks)


def _wrong(place: LibraryFile, library: Path, *, quick: bool) -> Message | None:
    """What is wrong with one file; None if nothing is."""
    path = library / to_path(place.path)
    found = lstat_or_none(path)
    if place.method is Method.SYMLINK and found is not None:
        return _wrong_link(path, place, quick=quick)
    return Message("is no longer there") if found is None else _wrong_file(path, place, found, quick=quick)


def _wrong_file(path: Path, place: LibraryFile, found: os.stat_result, *, quick: bool) -> Message | None:
    if not stat.S_ISREG(found.st_mode):
        return Message("is no plain file any more")
    if found.st_size != place.size_bytes:
        return Message("was changed: it has another size")
    if quick:
        return None if time_of(found) == place.mtime_ns else Message("was changed, or at least its time was")
    if has_content(path, place.image_id):
        return None
    return Message("was changed, or cannot be read: its content is another")


def _wrong_link(path: Path, place: LibraryFile, *, quick: bool) -> Message | None:
    source = to_path(place.source)
    if not path.is_symlink():
        return Message("is no link any more")
    if not is_link_to(path, source):
        return Message("leads elsewhere than it did")
    if not path.exists():
        return Message("leads to nothing: {source} is gone", source=source)
    if quick or place.beside is not None or has_content(source, place.image_id):
        return None
    return Message("leads to {source}, which was changed", source=source)


def _look_about(catalog: Catalog, library: Path, summary: VerifySummary) -> None:
    """Files without a row: left by an interrupted run, or the user's own."""

    def refused(error: OSError) -> None:
        summary.off.append(
            Problem(path=Path(error.filename), what=Message("cannot be looked into: {why}", why=message_of(error)))
        )

    own = state_folder(library).name
    for folder, folders, names in os.walk(library, onerror=refused):
        links = [name for name in folders if Path(folder, name).is_symlink()]
        folders[:] = [
            name for name in sorted(folders) if name not in links and not (name == own and Path(folder) == library)
        ]
        for name in sorted([*names, *links]):
            within = Path(folder, name).relative_to(library)
            if is_known_path(catalog, to_bytes(within), to_text(within)):
                continue
            if is_temporary(name):
                what = Message("a temporary file of a stopped run is left")
                summary.off.append(Problem(path=library / within, what=what))
            else:
                summary.yours.append(library / within)
