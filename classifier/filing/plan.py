"""Plans each move of a batch from the state of the disk; changes nothing."""

from __future__ import annotations

import stat
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from classifier.catalog.moves import MoveRecord, MoveState
from classifier.catalog.values import to_bytes
from classifier.errors import Message, message_of
from classifier.filing.destination import temporary_name
from classifier.filing.disk_errors import is_disk_failure
from classifier.filing.file_checks import (
    has_content,
    is_link_to,
    is_unchanged,
    lstat_or_none,
    matches_stat,
    survives_removal,
)
from classifier.filing.results import Outcome, Status
from classifier.paths import displayable
from classifier.records import Method

if TYPE_CHECKING:
    import os
    from collections.abc import Container, Sequence
    from pathlib import Path

    from classifier.filing.path_scope import PathScope
    from classifier.records import Move


NAMES_TAKEN: Final = Message("every name for it is taken by another file")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStep:
    """One move with the name chosen for it; `names` are the next ones to try if another process takes it.

    For a REMOVE, `kept` is the status of the file that keeps the image, as it was verified.
    """

    move: Move
    entry: MoveRecord
    target: Path
    names: tuple[str, ...]
    kept: os.stat_result | None = None

    @property
    def temporary(self) -> Path:
        """The temporary file of a copy, beside the target."""
        return self.target.with_name(temporary_name(self.entry.run, self.entry.id))

    @property
    def copies(self) -> bool:
        """Whether the file is copied, by request or because the disks differ."""
        return self.entry.method is Method.COPY or (self.moves and self.entry.temporary is not None)

    @property
    def moves(self) -> bool:
        """Whether the name of the source goes away."""
        return self.entry.method in {Method.MOVE, Method.RENAME, Method.RESTORE}

    @property
    def removes(self) -> bool:
        """Whether the name of the source goes away and no other is made."""
        return self.entry.method is Method.REMOVE


def plan(
    moves: Sequence[Move], *, library: Path, run: int, first_id: int, bounds: PathScope
) -> list[PlannedStep | Outcome]:
    """A step with a free name, or the outcome of a move that cannot, must not or need not be made.

    Raises OSError when the disk fails.
    """
    taken: set[Path] = set()
    plans: list[PlannedStep | Outcome] = []
    for id_, move in enumerate(moves, start=first_id):
        try:
            planned = _planned(move, id=id_, run=run, library=library, taken=taken)
        except OSError as error:
            if is_disk_failure(error):
                raise
            planned = Outcome(move=move, status=Status.FAILED, reason=message_of(error))
        if isinstance(planned, PlannedStep) and (trouble := bounds.trouble(planned.entry)) is not None:
            planned = Outcome(move=move, status=Status.FAILED, reason=trouble)
        if isinstance(planned, PlannedStep):
            taken.add(planned.target)
        plans.append(planned)
    return plans


def missing_folders(folder: Path, *, library: Path) -> list[Path]:
    """The missing folders down to `folder`, outermost first."""
    return [part for part in _folders_down_to(folder, library) if lstat_or_none(part) is None]


def entry_for(move: Move, *, id: int, run: int, library: Path, target: Path | None) -> MoveRecord:  # noqa: A002
    """The journal row of a move as requested; without a `target` if it is not made."""
    source = move.source
    inside = move.method in {Method.RENAME, Method.REMOVE, Method.RESTORE}
    return MoveRecord(
        id=id,
        run=run,
        image_id=move.image_id,
        method=move.method,
        source=to_bytes(journal_path(source.path, library) if inside else source.path.absolute()),
        target=None if target is None else to_bytes(journal_path(target, library)),
        temporary=None,
        state=MoveState.INTENT,
        size_bytes=source.size_bytes,
        mtime_ns=source.mtime_ns,
        inode=source.inode,
        device=source.device,
        permissions=None,
        note="",
        undoes=move.undoes,
        beside=move.beside,
    )


def journal_path(path: Path, library: Path) -> Path:
    """A path as the journal stores it: relative within the library, else absolute."""
    return path.relative_to(library) if path.is_relative_to(library) else path.absolute()


def _planned(move: Move, *, id: int, run: int, library: Path, taken: Container[Path]) -> PlannedStep | Outcome:  # noqa: A002
    folder = library / move.folder
    if (wrong := _source_problem(move)) is not None:
        return wrong
    if move.method is Method.REMOVE:
        return _planned_removal(move, id=id, run=run, library=library)
    if (trouble := folder_problem(folder, library=library)) is not None:
        return Outcome(move=move, status=Status.FAILED, reason=trouble)
    chosen = choose_name(move, move.names, folder=folder, taken=taken)
    if isinstance(chosen, Outcome):
        return chosen
    target = folder / move.names[chosen]
    source_status = move.source.path.lstat()
    entry = replace(
        entry_for(move, id=id, run=run, library=library, target=target), permissions=stat.S_IMODE(source_status.st_mode)
    )
    # The folders decide: on layered file systems a file can seem to lie on another disk than its own folder.
    crosses = move.source.path.parent.stat().st_dev != _device_of(folder)
    if crosses and move.method is Method.LINK:
        entry = replace(entry, method=Method.COPY)
    # A link falls back to a copy if the disk has no links.
    if move.method in {Method.LINK, Method.COPY} or (crosses and move.method is not Method.SYMLINK):
        temporary = move.folder / temporary_name(run, id)
        entry = replace(entry, temporary=to_bytes(temporary))
    return PlannedStep(move=move, entry=entry, target=target, names=move.names[chosen + 1 :])


def _planned_removal(move: Move, *, id: int, run: int, library: Path) -> PlannedStep | Outcome:  # noqa: A002
    path, origin = move.source.path, library / move.folder / move.names[0]
    source_status, kept = path.lstat(), lstat_or_none(origin)
    if not is_link_to(path, origin) and not survives_removal(origin, path, move.image_id):
        return Outcome(
            move=move,
            status=Status.FAILED,
            reason=Message("{path} is not the same any more, so this may be all", path=displayable(origin)),
        )
    entry = entry_for(move, id=id, run=run, library=library, target=origin)
    entry = replace(entry, permissions=stat.S_IMODE(source_status.st_mode))
    return PlannedStep(move=move, entry=entry, target=origin, names=(), kept=kept)


def _source_problem(move: Move) -> Outcome | None:
    """None if the source is as planned, else why it is skipped. Only RENAME and REMOVE accept links."""
    found = lstat_or_none(move.source.path)
    if found is None:
        return Outcome(move=move, status=Status.GONE, reason=Message("it is no longer there"))
    link = (
        move.method in {Method.RENAME, Method.REMOVE}
        and stat.S_ISLNK(found.st_mode)
        and matches_stat(found, move.source)
    )
    if not link and not is_unchanged(move.source.path, move.source, move.image_id):
        return Outcome(move=move, status=Status.CHANGED, reason=Message("it was changed since it was looked at"))
    return None


def folder_problem(folder: Path, *, library: Path) -> Message | None:
    """Why no file can be put into `folder`, which need not exist yet; else None.

    A link to a folder may lead anywhere and is refused in the library; outside, the folders are the user's own.
    """
    inside = folder.is_relative_to(library)
    for part in _folders_down_to(folder, library):
        found = lstat_or_none(part)
        if not inside and part.is_dir():
            continue
        if found is not None and not stat.S_ISDIR(found.st_mode):
            return Message("{path} is not a folder", path=part)
    return None


def _device_of(folder: Path) -> int:
    """The disk of a folder that need not exist yet."""
    while (found := lstat_or_none(folder)) is None:
        folder = folder.parent
    return found.st_dev


def _folders_down_to(folder: Path, library: Path) -> list[Path]:
    """The folders from the library, or from the root, down to `folder`."""
    if not folder.is_relative_to(library):
        return [*reversed(folder.parents), folder]
    parts = folder.relative_to(library).parts
    return [library.joinpath(*parts[: count + 1]) for count in range(len(parts))]


def choose_name(move: Move, names: tuple[str, ...], *, folder: Path, taken: Container[Path]) -> int | Outcome:
    """The index of the first free name in `folder`; or the outcome, if a name has this image or none is free."""
    for index, name in enumerate(names):
        path = folder / name
        if path in taken:
            continue
        found = lstat_or_none(path)
        if found is None:
            return index
        method = _same_already(move, path, found.st_size)
        if method is not None:
            return _already_there(move, path.name, method)
    return Outcome(move=move, status=Status.FAILED, reason=NAMES_TAKEN)


def _same_already(move: Move, path: Path, size_bytes: int) -> Method | None:
    """The method by which a taken name has this image; None if it has another content.

    For a rename or restore, an equal file is another one, and both are kept.
    """
    if move.method in {Method.RENAME, Method.RESTORE}:
        return None
    if move.method is Method.SYMLINK and is_link_to(path, move.source.path):
        return Method.SYMLINK
    if size_bytes == move.source.size_bytes and has_content(path, move.image_id):
        return Method.LINK if path.samefile(move.source.path) else Method.COPY
    return None


def _already_there(move: Move, name: str, method: Method) -> Outcome:
    there = Message("the same picture lies there already")
    left = Message("the same picture lies there already, so this one was left where it is")
    keeps_source = move.method is Method.MOVE
    return Outcome(
        move=move,
        status=Status.DUPLICATE if keeps_source else Status.PLACED,
        path=move.folder / name,
        method=method,
        reason=left if keeps_source else there,
    )
