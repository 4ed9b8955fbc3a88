"""Undoes a run, newest change first, through the same executor.

An interrupted undo continues when it is requested again: changes that are already undone no longer stand.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifier.catalog import runs, undo_queries
from classifier.catalog.connection import NAME, open_catalog
from classifier.catalog.filesystem import not_a_library, state_folder
from classifier.catalog.lock import hold_lock
from classifier.catalog.move_log import NAME as MOVE_LOG
from classifier.catalog.moves import MoveRecord
from classifier.catalog.values import to_path
from classifier.errors import Counted, FilingStopped, LibraryError, Message, message_of
from classifier.filing.after_renaming import RenamedSince
from classifier.filing.disk_errors import is_disk_failure
from classifier.filing.executor import execute
from classifier.filing.fsops import Disk
from classifier.filing.inverse import SkippedFile, current_and_original_path, inverse_move
from classifier.filing.path_scope import PathScope, name_crawl, real_path, record_named_crawls, unnamed_reason
from classifier.filing.reconcile import reconcile
from classifier.filing.recovery import recover
from classifier.filing.refile import restore_decisions
from classifier.filing.results import Outcome, Status
from classifier.paths import to_text
from classifier.progress import Progress, SilentProgress
from classifier.records import Method

if TYPE_CHECKING:
    from classifier.catalog.connection import Catalog

BATCH = 256


@dataclass(kw_only=True)
class UndoSummary:
    """The result of an undo.

    `tried` is the run to undo, None if there was none; `undone` is the same if any change was undone, or none stood;
    `run` is the undo itself.
    """

    undone: int | None = None
    tried: int | None = None
    run: int | None = None
    restored: int = 0
    """Moved back to where they were."""
    removed: int = 0
    """Links and copies removed."""
    filed_again: int = 0
    """Put back into the library, by undoing an undo."""
    folders_removed: int = 0
    elsewhere: list[tuple[Path, Path]] = field(default_factory=list)
    """The old path, and the one used because a later file has that."""
    deleted: int = 0
    """Files recorded as missing, deleted by a person or as a second name: nothing to undo."""
    left: list[SkippedFile] = field(default_factory=list)
    last_undo: int | None = None
    """If there was nothing to undo: the last undo, which can be undone itself (redo)."""

    @property
    def taken_back(self) -> int:
        """How many changes were undone."""
        return self.restored + self.removed + self.filed_again

    def as_dict(self) -> dict[str, Any]:
        """For JSON: paths as `to_text` writes them."""
        values = asdict(self)
        values["elsewhere"] = [{"path": to_text(old), "now": to_text(new)} for old, new in self.elsewhere]
        values["left"] = [{"path": to_text(left.path), "reason": left.reason} for left in self.left]
        return values


def undo(
    library: Path,
    *,
    run: int | None = None,
    crawl: Path | None = None,
    on_unnamed: Callable[[Message], bool] | None = None,
    progress: Progress | None = None,
    disk: Disk | None = None,
) -> UndoSummary:
    """Undo `run`, or the last run that changed anything and is not undone.

    Files go back into the crawl that the run recorded, and only if a person named it: to an earlier sort or undo, as
    `crawl`, or by answering yes in `on_unnamed`. Runs whose crawl was lost get `crawl`.

    Files changed since the run stay and are listed. Previous decisions are restored, and an image that stays gets the
    decision of its folder. An undo without any effect does not count as one. Raises IllsortError; what was done by then
    is recorded, and the same call continues.
    """
    progress, disk = progress or SilentProgress(), disk or Disk()
    known = state_folder(library)
    if not (known / NAME).exists() and not (known / MOVE_LOG).exists():
        raise not_a_library(library, known / NAME)
    with hold_lock(library), open_catalog(library) as catalog:
        if crawl is not None:
            name_crawl(catalog, crawl)
        recovered = recover(catalog, library, disk=disk)
        if recovered.rebuilt:
            progress.say(_rebuilt(recovered.rebuilt, known / MOVE_LOG))
        passed_over = [*recovered.damaged, *_repair_journal(catalog, library)]
        if crawl is not None:
            runs.set_lost_crawls(catalog, real_path(crawl))
        reconcile(catalog, library, progress)
        chosen = undo_queries.run_to_undo(catalog, run)
        if chosen is None:
            return UndoSummary(left=[*passed_over, *recovered.unnamed], last_undo=undo_queries.last_undo(catalog))
        if _is_named_by_answer(catalog, library, chosen, on_unnamed):
            recovered = recover(catalog, library, disk=disk)
        record_named_crawls(catalog, library, progress)
        own = undo_queries.begin_undo(catalog, chosen)
        left = [*passed_over, *recovered.unnamed]
        undoing = _UndoRun(catalog, library, disk, UndoSummary(tried=chosen, run=own, left=left))
        total = undo_queries.count_standing(catalog, chosen)
        with progress.stage(Message("undoing run {run}", run=chosen), total=total, unit="file") as stage:
            for batch in _batches(undo_queries.standing_moves(catalog, chosen), library):
                undoing.take_back(batch)
                stage.advance(len(batch))
        undoing.remove_folders()
        done = undoing.summary
        _finish(catalog, done, chosen, own)
    return done


def _rebuilt(count: int, log: Path) -> Message:
    return Counted(
        "the catalog was lost: {count:,} change was read from {path}",
        "the catalog was lost: {count:,} changes were read from {path}",
        count=count,
        path=log,
    )


def _is_named_by_answer(
    catalog: Catalog, library: Path, run: int, on_unnamed: Callable[[Message], bool] | None
) -> bool:
    """Whether a person named the crawl of `run` by answering the question, which is asked only if needed.

    Raises LibraryError if it was named neither before nor now.
    """
    bounds = PathScope(catalog, library)
    entries = undo_queries.standing_moves(catalog, run) if undo_queries.may_change_crawl(catalog, run) else ()
    crawl = next((crawl for entry in entries if (crawl := bounds.unnamed(entry)) is not None), None)
    if crawl is None:
        return False
    if on_unnamed is None or not on_unnamed(_question(run, crawl)):
        raise LibraryError("run {run} is not undone: {why}", run=run, why=unnamed_reason(library, crawl))
    name_crawl(catalog, crawl)
    return True


def _question(run: int, crawl: Path) -> Message:
    if (real := real_path(crawl)) == crawl:
        return Message(
            "undoing run {run} changes files in {crawl}, which only this library's record names; is it your crawl?",
            run=run,
            crawl=crawl,
        )
    return Message(
        "undoing run {run} changes files in {crawl} (which leads to {real}), which only this library's record names; "
        "is it your crawl?",
        run=run,
        crawl=crawl,
        real=real,
    )


def _finish(catalog: Catalog, done: UndoSummary, chosen: int, own: int) -> None:
    # Only this call's changes are counted; an interrupted one may have undone the rest.
    has_changed = undo_queries.changed_anything(catalog, own)
    if has_changed or not done.left:
        done.undone = chosen
    with catalog.transaction():
        if has_changed:
            restore_decisions(catalog, chosen, undo=own)
        runs.finish(catalog, own, {"pictures": done.taken_back, **done.as_dict()})


def _batches(entries: Iterator[MoveRecord], library: Path) -> Iterator[list[MoveRecord]]:
    """Batches of changes that do not depend on each other, because a batch is planned before any of it is done."""
    batch: list[MoveRecord] = []
    image_ids: set[str] = set()
    ends: set[Path] = set()
    for entry in entries:
        two = current_and_original_path(entry, library)
        if len(batch) == BATCH or (entry.beside is None and entry.image_id in image_ids) or ends & set(two):
            yield batch
            batch, image_ids, ends = [], set(), set()
        batch.append(entry)
        image_ids.add(entry.image_id)
        ends |= set(two)
    if batch:
        yield batch


def _repair_journal(catalog: Catalog, library: Path) -> list[SkippedFile]:
    """Restore damaged rows of the journal from the log of moves; returns those that it does not have."""
    path = state_folder(library) / NAME
    try:
        lost = undo_queries.repair_journal(catalog, library)
    except OSError as error:
        raise FilingStopped(
            "cannot read {path}: {why}", path=state_folder(library) / MOVE_LOG, why=message_of(error)
        ) from error
    return [
        SkippedFile(
            path=path,
            reason=Message("change {change} is damaged ({field}) and was passed over", change=one.id, field=one.field),
        )
        for one in lost
    ]


class _UndoRun:
    def __init__(self, catalog: Catalog, library: Path, disk: Disk, summary: UndoSummary) -> None:
        self._catalog = catalog
        self._library = library
        self._disk = disk
        self._renamed = RenamedSince(catalog, library)
        self.summary = summary

    def take_back(self, batch: list[MoveRecord]) -> None:
        """Undo one batch and count the results."""
        bounds = PathScope(self._catalog, self._library)
        planned = [inverse_move(self._catalog, entry, self._library, bounds, self._renamed) for entry in batch]
        left = [one for one in planned if isinstance(one, SkippedFile)]
        self.summary.left += [one for one in left if not one.is_deleted]
        self.summary.deleted += sum(one.is_deleted for one in left)
        moves = [move for move in planned if not isinstance(move, SkippedFile)]
        run = self.summary.run or 0
        for outcome in execute(self._catalog, library=self._library, run=run, moves=moves, disk=self._disk):
            self._count(outcome)

    def _count(self, outcome: Outcome) -> None:
        move, summary = outcome.move, self.summary
        wanted = self._library / move.folder / move.names[0]
        if outcome.status is not Status.PLACED or outcome.path is None or outcome.reason:
            summary.left.append(SkippedFile(path=move.source.path, reason=outcome.reason or Message(outcome.status)))
            return
        if move.method is Method.REMOVE:
            summary.removed += 1
        elif move.method in {Method.RESTORE, Method.RENAME}:
            summary.restored += 1
        else:
            summary.filed_again += 1
        if self._library / outcome.path != wanted:
            summary.elsewhere.append((wanted, self._library / outcome.path))

    def remove_folders(self) -> None:
        """Remove the folders that the run made and that are empty now, unless files are recorded there."""
        bounds = PathScope(self._catalog, self._library)
        for kept in undo_queries.folders_of(self._catalog, self.summary.tried or 0):
            folder = self._library / to_path(kept)
            if not bounds.is_folder_in_library(to_path(kept)) or undo_queries.holds_places(self._catalog, kept):
                continue
            try:
                self._disk.remove_folder(folder)
                self.summary.folders_removed += 1
            except FileNotFoundError:
                pass
            except OSError as error:
                if is_disk_failure(error) and error.errno != errno.EEXIST:
                    raise FilingStopped(
                        "cannot remove {folder}: {why}", folder=folder, why=message_of(error)
                    ) from error
                continue
            undo_queries.forget_folder(self._catalog, kept)
