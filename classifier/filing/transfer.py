"""Takes one planned step to the disk; must not know batches or what is recorded when it is done."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from classifier.catalog.moves import MoveState, update
from classifier.catalog.values import to_bytes
from classifier.errors import Message
from classifier.filing.file_checks import is_unchanged, lstat_or_none, matches_stat
from classifier.filing.fsops import cannot_link
from classifier.filing.plan import choose_name, journal_path
from classifier.filing.results import MoveSkipped, Outcome, Status
from classifier.records import Method, time_of

if TYPE_CHECKING:
    from collections.abc import Container
    from pathlib import Path

    from classifier.catalog.connection import Catalog
    from classifier.filing.fsops import Disk
    from classifier.filing.plan import PlannedStep


@dataclass(frozen=True, kw_only=True)
class FileTransfer:
    """What every step of a batch is carried with; `taken` are the targets that the batch's other steps have chosen."""

    catalog: Catalog
    library: Path
    disk: Disk
    taken: Container[Path]

    def copy(self, step: PlannedStep) -> None:
        """Make the copy beside the target; not yet durable. Raises LeftAlone, or OSError; no copy is left then."""
        found = lstat_or_none(step.temporary)
        if found is not None and stat.S_ISREG(found.st_mode):
            # Left by a life whose catalog was lost: its name and a row of ours say that it is no picture's only file.
            self.disk.remove(step.temporary)
        try:
            digest = self.disk.copy(step.move.source.path, step.temporary)
        except FileExistsError:
            raise
        except OSError:
            self.drop(step)
            raise
        if digest != step.move.image_id:
            self.drop(step)
            raise MoveSkipped(_changed_outcome(step))

    def secure(self, step: PlannedStep) -> None:
        """Make the copy durable and prove it; OSError when the disk fails at that, and no copy is left."""
        try:
            self.disk.secure(step.temporary, step.move.image_id)
        except OSError:
            self.drop(step)
            raise

    def drop(self, step: PlannedStep) -> None:
        """Remove the copy of a step that is given up."""
        if step.entry.temporary is not None:
            # What cannot be removed now, recovery removes if the row stays open.
            with suppress(OSError):
                self.disk.remove(step.temporary)

    def carry(self, step: PlannedStep) -> PlannedStep:
        """Bring the picture, or its secured copy, to the target or another of its names; the step as it was done.

        A copied source is still there: it goes once the batch is durable. Raises LeftAlone, or OSError when the disk
        refuses; nothing is changed then.
        """
        try:
            while True:
                try:
                    self._attempt(step)
                except FileExistsError:
                    step = self._next_name(step)
                except OSError as error:
                    if step.copies or not _can_copy_instead(step, error):
                        raise
                    step = self._by_copy(step)
                else:
                    self._check(step)
                    return step
        except (MoveSkipped, OSError):
            self.drop(step)
            raise

    def _attempt(self, step: PlannedStep) -> None:
        source = step.move.source.path
        if step.removes:
            self._remove(step)
        elif step.copies:
            self.disk.rename_noreplace(step.temporary, step.target, claim=partial(self._claim, step))
        elif step.moves:
            self.disk.rename_noreplace(source, step.target, claim=partial(self._claim, step))
        elif step.entry.method is Method.LINK:
            self.disk.link(source, step.target)
        else:
            self.disk.symlink(source, step.target)

    def _remove(self, step: PlannedStep) -> None:
        """Take the name away if both files still are what they were when it was proved to be safe."""
        path = step.move.source.path
        seen = lstat_or_none(path)
        if seen is None or not (
            matches_stat(seen, step.move.source) or is_unchanged(path, step.move.source, step.move.image_id)
        ):
            raise MoveSkipped(_changed_outcome(step))
        if not stat.S_ISLNK(seen.st_mode) and not _is_kept(step, lstat_or_none(step.target)):
            raise MoveSkipped(_changed_outcome(step))
        self.disk.remove(path)

    def _claim(self, step: PlannedStep) -> None:
        update(self.catalog, replace(step.entry, state=MoveState.CLAIMED))

    def _next_name(self, step: PlannedStep) -> PlannedStep:
        """The step under the next free name, committed before the disk is touched for it."""
        folder = step.target.parent
        chosen = choose_name(step.move, step.names, folder=folder, taken=self.taken)
        if isinstance(chosen, Outcome):
            raise MoveSkipped(chosen)
        target = folder / step.names[chosen]
        entry = replace(step.entry, target=to_bytes(journal_path(target, self.library)))
        update(self.catalog, entry)
        return replace(step, target=target, names=step.names[chosen + 1 :], entry=entry)

    def _by_copy(self, step: PlannedStep) -> PlannedStep:
        """The step by copy; for a move the journal has to know, for then both files are the picture for a while."""
        method = step.entry.method if step.moves else Method.COPY
        temporary = to_bytes(journal_path(step.temporary, self.library))
        step = replace(step, entry=replace(step.entry, method=method, temporary=temporary))
        update(self.catalog, step.entry)
        self.copy(step)
        self.secure(step)
        return step

    def _check(self, step: PlannedStep) -> None:
        """Give back what was put there when it is not what was planned: it was swapped after it was looked at."""
        if step.copies or step.removes or step.entry.method is Method.SYMLINK:
            return
        found = lstat_or_none(step.target)
        if found is None or matches_stat(found, step.move.source):
            return
        if is_unchanged(step.target, step.move.source, step.move.image_id):
            return
        try:
            self._give_back(step, found)
        except OSError as error:
            reason = Message("it was changed while it was moved, and is now at {path}", path=step.target)
            raise MoveSkipped(Outcome(move=step.move, status=Status.FAILED, reason=reason)) from error
        raise MoveSkipped(_changed_outcome(step))

    def _give_back(self, step: PlannedStep, found: os.stat_result) -> None:
        source = step.move.source.path
        if step.moves:
            self.disk.rename_noreplace(step.target, source, claim=lambda: None)
            return
        still = source.lstat()
        if (still.st_ino, still.st_dev) != (found.st_ino, found.st_dev):
            raise FileExistsError(errno.EEXIST, Message("the source is another file now"), str(source))
        self.disk.remove(step.target)


def _is_kept(step: PlannedStep, found: os.stat_result | None) -> bool:
    kept = step.kept
    if found is None or kept is None:
        return False
    return os.path.samestat(found, kept) and (found.st_size, time_of(found)) == (kept.st_size, time_of(kept))


def _can_copy_instead(step: PlannedStep, error: OSError) -> bool:
    if step.moves:
        return error.errno == errno.EXDEV
    return step.entry.method is Method.LINK and cannot_link(error)


def _changed_outcome(step: PlannedStep) -> Outcome:
    return Outcome(move=step.move, status=Status.CHANGED, reason=Message("it was changed since it was looked at"))
