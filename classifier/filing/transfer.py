"""Carries out one planned step on the disk."""

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
from classifier.filing.disk_errors import cannot_link
from classifier.filing.file_checks import is_unchanged, lstat_or_none, matches_stat
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
    """Carries out steps of one batch; `taken` are the targets chosen by other steps of the batch."""

    catalog: Catalog
    library: Path
    disk: Disk
    taken: Container[Path]

    def copy(self, step: PlannedStep) -> None:
        """Make the copy beside the target, not yet durable. Raises MoveSkipped or OSError, and then leaves no copy."""
        found = lstat_or_none(step.temporary)
        if found is not None and stat.S_ISREG(found.st_mode):
            # Leftover from a run whose catalog was lost: by its name and our row it is not the only file of an image.
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
        """Make the copy durable and verify it. Raises OSError when the disk fails, and then leaves no copy."""
        try:
            self.disk.secure(step.temporary, step.move.image_id)
        except OSError:
            self.drop(step)
            raise

    def drop(self, step: PlannedStep) -> None:
        """Remove the copy of an abandoned step."""
        if step.entry.temporary is not None:
            # Otherwise recovery removes it if the row stays open.
            with suppress(OSError):
                self.disk.remove(step.temporary)

    def carry(self, step: PlannedStep) -> PlannedStep:
        """Put the file, or its secured copy, at the target or another of its names; returns the step as it was done.

        A copied source stays until the batch is durable. Raises MoveSkipped, or OSError when the disk refuses; then
        nothing is changed.
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
        """Remove the name if both files are unchanged since this was verified to be safe."""
        path = step.move.source.path
        found = lstat_or_none(path)
        if found is None or not (
            matches_stat(found, step.move.source) or is_unchanged(path, step.move.source, step.move.image_id)
        ):
            raise MoveSkipped(_changed_outcome(step))
        if not stat.S_ISLNK(found.st_mode) and not _is_kept(step, lstat_or_none(step.target)):
            raise MoveSkipped(_changed_outcome(step))
        self.disk.remove(path, other=step.target)

    def _claim(self, step: PlannedStep) -> None:
        update(self.catalog, replace(step.entry, state=MoveState.CLAIMED))

    def _next_name(self, step: PlannedStep) -> PlannedStep:
        """The step under the next free name, which is committed before the disk is changed."""
        folder = step.target.parent
        chosen = choose_name(step.move, step.names, folder=folder, taken=self.taken)
        if isinstance(chosen, Outcome):
            raise MoveSkipped(chosen)
        target = folder / step.names[chosen]
        entry = replace(step.entry, target=to_bytes(journal_path(target, self.library)))
        update(self.catalog, entry)
        return replace(step, target=target, names=step.names[chosen + 1 :], entry=entry)

    def _by_copy(self, step: PlannedStep) -> PlannedStep:
        """The step by copy; recorded first, because during a move by copy both files exist for a while."""
        method = step.entry.method if step.moves else Method.COPY
        temporary = to_bytes(journal_path(step.temporary, self.library))
        step = replace(step, entry=replace(step.entry, method=method, temporary=temporary))
        update(self.catalog, step.entry)
        self.copy(step)
        self.secure(step)
        return step

    def _check(self, step: PlannedStep) -> None:
        """Move the file back if it is not the planned one: it was replaced after planning."""
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
        self.disk.remove(step.target, other=source)


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
