"""Carries out one batch of moves: intent committed, then the disk, made durable, then done.

Invariants, also when the process is killed or the disk refuses:
- no file of the user changes before the intent is committed;
- a taken name is never replaced;
- a source is removed only after its image is durable, and verified, at the target;
- a row is marked done only after the change is durable on the disk.

Recovery settles everything else from the state of the disk.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from classifier.catalog.moves import begin, finish, library_file_of, next_id
from classifier.catalog.values import to_bytes
from classifier.errors import FilingStopped, Message, message_of
from classifier.filing.disk_errors import is_disk_failure
from classifier.filing.file_checks import is_unchanged, lstat_or_none
from classifier.filing.fsops import Disk
from classifier.filing.path_scope import PathScope
from classifier.filing.plan import PlannedStep, entry_for, journal_path, missing_folders, plan
from classifier.filing.results import BatchState, MoveResult, Outcome, Status
from classifier.filing.tag_files import remove_beside
from classifier.filing.transfer import FileTransfer
from classifier.records import Method

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from classifier.catalog.connection import Catalog
    from classifier.catalog.places import LibraryFile
    from classifier.records import Move

_THREADS = 8  # syncing this many files takes little longer than one


def execute(
    catalog: Catalog, *, library: Path, run: int, moves: Sequence[Move], disk: Disk | None = None
) -> list[Outcome]:
    """Carry out one batch of at most a few hundred moves of different images; returns the outcomes in the same order.

    A failed move is an outcome, not an exception. Raises FilingStopped when the disk would refuse every further move
    too: what was done is recorded by then, and recovery settles the rest.
    """
    if not moves:
        return []
    batch = _Batch(catalog, library=library, run=run, disk=disk or Disk())
    try:
        batch.begin(moves)
        batch.copy_all()
        batch.carry_all()
        outcomes = batch.settle()
    except OSError as error:
        raise _stopped(error, library) from error
    if batch.ledger.stopped is not None:
        raise _stopped(batch.ledger.stopped, library) from batch.ledger.stopped
    remove_beside(catalog, library, _left_places(outcomes, library), batch.disk)
    return outcomes


class _Batch:
    def __init__(self, catalog: Catalog, *, library: Path, run: int, disk: Disk) -> None:
        self.catalog = catalog
        self.library = library
        self.run = run
        self.disk = disk
        self.ledger = BatchState()
        self.steps: list[PlannedStep] = []
        self.secured: set[int] = set()

    @property
    def carrier(self) -> FileTransfer:
        taken = {step.target for step in self.steps}
        return FileTransfer(catalog=self.catalog, library=self.library, disk=self.disk, taken=taken)

    def begin(self, moves: Sequence[Move]) -> None:
        """Commit the intents, then make the folders."""
        first = next_id(self.catalog)
        plans = plan(
            moves, library=self.library, run=self.run, first_id=first, bounds=PathScope(self.catalog, self.library)
        )
        for id_, (move, planned) in enumerate(zip(moves, plans, strict=True), start=first):
            if isinstance(planned, PlannedStep):
                self.steps.append(planned)
            else:
                target = None if planned.path is None else self.library / planned.path
                self.ledger.leave(entry_for(move, id=id_, run=self.run, library=self.library, target=target), planned)
        folders = dict.fromkeys(step.target.parent for step in self.steps if not step.removes)
        missing = dict.fromkeys(part for folder in folders for part in missing_folders(folder, library=self.library))
        entries = [*(step.entry for step in self.steps), *(end.entry for end in self.ledger.ended.values())]
        kept = [journal_path(folder, self.library) for folder in missing]
        begin(self.catalog, entries, run=self.run, folders=kept)
        self._make_folders(missing)

    def copy_all(self) -> None:
        """Make all copies of the batch, then all of them durable at once."""
        carrier = self.carrier
        copied: list[PlannedStep] = []
        for step in self.steps:
            if step.copies and self.ledger.is_open(step) and self.ledger.stopped is None:
                self.ledger.attempt(step, partial(carrier.copy, step))
                copied += [step] if self.ledger.is_open(step) else []
        with ThreadPoolExecutor(_THREADS) as pool:
            waiting = [(step, pool.submit(carrier.secure, step)) for step in copied]
        for step, result in waiting:
            self.ledger.attempt(step, result.result)
            self.secured |= {step.entry.id} if self.ledger.is_open(step) else set()

    def carry_all(self) -> None:
        """Put each image in its place; finished copies even after the disk has stopped."""
        carrier = self.carrier
        for step in filter(self.ledger.is_open, self.steps):
            if self.ledger.stopped is not None and step.entry.id not in self.secured:
                self.ledger.cancel(step)
            elif (done := self.ledger.attempt(step, partial(carrier.carry, step))) is not None:
                self.ledger.place(done)

    def settle(self) -> list[Outcome]:
        """Make the changes durable, remove the sources of copied moves, and record everything."""
        steps = [end.step for end in self.ledger.ended.values() if end.step is not None]
        made = [step for step in steps if not step.removes]
        self._sync(folder for step in made for folder in _up_to(self.library, step.target.parent))
        for step in steps:
            if step.moves and step.copies:
                self._let_source_go(step)
        self._sync(step.move.source.path.parent for step in steps if step.moves or step.removes)
        ended = [self.ledger.ended[key] for key in sorted(self.ledger.ended)]
        places = [place for end in ended if (place := _place(end, self.library)) is not None]
        finish(self.catalog, [end.entry for end in ended], library=self.library, places=places)
        return [end.outcome for end in ended if end.outcome is not None]

    def _make_folders(self, folders: Iterable[Path]) -> None:
        """Make the folders, outermost first; steps into a folder that cannot be made fail."""
        for folder in folders:
            try:
                self.disk.make_folder(folder)
            except OSError as error:
                if is_disk_failure(error):
                    self.ledger.stopped = error
                    return
                for step in self.steps:
                    if folder == step.target.parent or folder in step.target.parents:
                        failed = Outcome(move=step.move, status=Status.FAILED, reason=message_of(error))
                        self.ledger.leave(step.entry, failed)

    def _let_source_go(self, step: PlannedStep) -> None:
        """Remove the source if it is unchanged since it was copied; else the image counts as a copy."""
        source = step.move.source
        try:
            if lstat_or_none(source.path) is None:
                return
            if is_unchanged(source.path, source, step.move.image_id):
                self.disk.remove(source.path)
            else:
                self.ledger.keep_source(step, Message("it was changed while it was copied"))
        except OSError as error:
            if is_disk_failure(error):
                self.ledger.reopen(step, error)
            else:
                self.ledger.keep_source(step, message_of(error))

    def _sync(self, folders: Iterable[Path]) -> None:
        for folder in dict.fromkeys(folders):
            self.disk.sync_folder(folder)


def _left_places(outcomes: Iterable[Outcome], library: Path) -> list[Path]:
    """The places within the library that images have left."""
    sources = [one.move.source.path for one in outcomes if one.status is Status.PLACED and one.move.beside is None]
    return [source.relative_to(library) for source in sources if source.is_relative_to(library)]


def _up_to(library: Path, folder: Path) -> list[Path]:
    """The folders to sync: within the library all above the target, outside only its own (new ones are durable)."""
    if not folder.is_relative_to(library):
        return [folder]
    inner = folder.relative_to(library)
    return [library / part for part in (inner, *inner.parents)]


def _place(end: MoveResult, library: Path) -> LibraryFile | None:
    outcome = end.outcome
    if outcome is None or outcome.path is None or outcome.method is None:
        return None
    if outcome.path.is_absolute() or outcome.method in {Method.REMOVE, Method.RESTORE}:
        return None
    found = lstat_or_none(library / outcome.path)
    if found is None:
        return None
    return library_file_of(replace(end.entry, target=to_bytes(outcome.path), method=outcome.method), found)


def _stopped(error: OSError, library: Path) -> FilingStopped:
    path = error.filename or library
    return FilingStopped(
        "{why}: {path}. What is done is recorded; run it again to go on", why=message_of(error), path=path
    )
