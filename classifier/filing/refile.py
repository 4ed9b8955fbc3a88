"""Makes files and decisions of a library agree: images move to the folders of their decisions.

An image that cannot be moved, or that an undo has moved, gets the decision of its folder. Folders that a move leaves
empty are removed.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.catalog import undo_queries
from classifier.catalog.categories import read_aliases
from classifier.catalog.category_folders import KnownCategories, read_known
from classifier.catalog.decisions import (
    PlacedImage,
    affected_images,
    decide_as_placed,
    decisions_of,
    exchange_previous,
    rename_category,
)
from classifier.catalog.library_changes import delete_again
from classifier.catalog.manual_moves import folder_by_hand
from classifier.catalog.places import place_of, sidecars_of
from classifier.catalog.undo_queries import decisions_run
from classifier.catalog.values import to_bytes, to_path
from classifier.errors import Message
from classifier.filing.destination import CategoryFolders, candidate_names, folder_for, recorded_file
from classifier.filing.executor import execute
from classifier.filing.fsops import Disk
from classifier.filing.path_scope import PathScope
from classifier.filing.plan import journal_path
from classifier.filing.results import Outcome, Status
from classifier.filing.sidecars import sidecar_moves
from classifier.reasons import Reason, ReasonCode
from classifier.records import Decision, Method, Move

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from classifier.catalog.connection import Catalog
    from classifier.progress import Progress

_BATCH = 256


def restore_decisions(catalog: Catalog, undone: int, *, undo: int) -> None:
    """Restore the decisions from before the run `undone`, as the run `undo` did with its files.

    The caller holds the transaction.
    """
    run, is_undone = decisions_run(catalog, undone)
    known = read_known(catalog.connection)
    exchange_previous(catalog, run=run, undone=is_undone)
    for old, new in read_aliases(catalog, of_folders=True).now.items():
        rename_category(catalog, old, new)  # decided under the folder's old name
    misplaced = [
        decision
        for one in affected_images(catalog, run=run, undo=undo)
        if (decision := decision_from_location(one, known, Reason(ReasonCode.LEFT_BY_UNDO))) is not None
    ]
    decide_as_placed(catalog, misplaced, run=run)
    if not is_undone:
        delete_again(catalog, run=run)


def decision_from_location(one: PlacedImage, categories: KnownCategories, reason: Reason) -> Decision | None:
    """The decision that follows from where an image is; None if the current decision agrees."""
    known = one.decision
    if known is not None and _belongs(one, known):
        return None
    found = categories.decision_for(to_bytes(one.folder))
    if found is None:
        return None
    action, category = found
    if known is None or known.category != category:
        return Decision(image_id=one.image_id, action=action, category=category, confidence=0.0, reason=reason)
    return replace(known, action=action, reason=reason)


def _belongs(one: PlacedImage, decision: Decision) -> bool:
    try:
        return folder_for(decision) == one.folder
    except ValueError:
        return False


def is_not_moved(outcome: Outcome) -> bool:
    """Whether an image could not be moved within the library although it is unchanged."""
    move = outcome.move
    return move.method is Method.RENAME and move.beside is None and outcome.status is Status.FAILED


def decide_not_moved(catalog: Catalog, library: Path, outcomes: Sequence[Outcome], *, run: int) -> Counter[str]:
    """Give images that `run` could not move the decisions of their folders; returns counts by reason."""
    failed = [outcome for outcome in outcomes if is_not_moved(outcome) and _lies_in(library, outcome)]
    if failed:
        known = read_known(catalog.connection)
        decided = decisions_of(catalog, [outcome.move.image_id for outcome in failed])
        placed = [
            PlacedImage(
                image_id=move.image_id,
                folder=move.source.path.parent.relative_to(library),
                decision=decided.get(move.image_id),
            )
            for move in (outcome.move for outcome in failed)
        ]
        by_location = (decision_from_location(one, known, Reason(ReasonCode.NOT_MOVED)) for one in placed)
        found = [decision for decision in by_location if decision is not None]
        with catalog.transaction():
            decide_as_placed(catalog, found, run=run)
    return Counter(outcome.reason for outcome in failed)


def _lies_in(library: Path, outcome: Outcome) -> bool:
    """Whether the file is in the library: a catalog from a stranger may have any path."""
    return outcome.move.source.path.is_relative_to(library) and ".." not in outcome.move.source.path.parts


@dataclass(frozen=True, slots=True, kw_only=True)
class RefileResult:
    """The number of the run, how many images were moved, and those that could not be, with the reason."""

    run: int
    moved: int
    left: tuple[tuple[Path, str], ...]


def refile_images(
    catalog: Catalog, library: Path, decided: Iterable[Decision], *, run: int, progress: Progress
) -> RefileResult:
    """Move every image in the library to the folder of its decision, with its sidecars; the caller owns the library.

    Folders of ours that are then empty are removed. Raises FilingStopped when the disk refuses; what was done is
    recorded.
    """
    folders = _Folders(catalog, library)
    moves = [move for decision in decided if (move := _move(catalog, library, decision, folders(decision)))]
    moved, left = 0, []
    with progress.stage(Message("filing"), total=len(moves), unit="picture") as stage:
        for start in range(0, len(moves), _BATCH):
            batch = moves[start : start + _BATCH]
            outcomes = execute(catalog, library=library, run=run, moves=batch)
            decide_not_moved(catalog, library, outcomes, run=run)
            for outcome in outcomes:
                done = outcome.status is Status.PLACED
                moved += done
                left += [] if done else [(outcome.move.source.path, outcome.reason or Message(outcome.status))]
            with_sidecars = [move.image_id for move in batch if sidecars_of(catalog, move.image_id)]
            strayed = sidecar_moves(catalog, with_sidecars, library=library, method=Method.RENAME)
            execute(catalog, library=library, run=run, moves=[one for one in strayed if one.method is Method.RENAME])
            stage.advance(len(batch))
    remove_empty_folders(catalog, library, (move.source.path.parent for move in moves))
    return RefileResult(run=run, moved=moved, left=tuple(left))


class _Folders:
    """The folders where images belong; what a person moved by hand goes back to where the person put it."""

    def __init__(self, catalog: Catalog, library: Path) -> None:
        self._catalog = catalog
        self._of_category = CategoryFolders(library)
        self._known = read_known(catalog.connection)

    def __call__(self, decision: Decision) -> Path:
        if decision.reason.code is ReasonCode.MOVED_BY_PERSON:
            folder = folder_by_hand(self._catalog, decision.image_id)
            if folder and self._known.decision_for(folder) == (decision.action, decision.category):
                return to_path(folder)
        return self._of_category(decision)


def _move(catalog: Catalog, library: Path, decision: Decision, folder: Path) -> Move | None:
    place = place_of(catalog, decision.image_id)
    if place is None or to_path(place.path).parent == folder:
        return None
    source = recorded_file(place, library)
    names = candidate_names(source.path.name, decision.image_id)
    return Move(image_id=decision.image_id, source=source, folder=folder, names=names, method=Method.RENAME)


def remove_empty_folders(catalog: Catalog, library: Path, folders: Iterable[Path], *, disk: Disk | None = None) -> None:
    """Remove those of `folders`, within `library`, that a run made and that are empty now, and such parents of them."""
    disk, bounds = disk or Disk(), PathScope(catalog, library)
    for folder in sorted({one for each in folders for one in _with_parents(each, library)}, reverse=True):
        inner = journal_path(folder, library)
        kept = to_bytes(inner)
        if not undo_queries.is_own_folder(catalog, kept) or undo_queries.holds_places(catalog, kept):
            continue
        if not bounds.is_folder_in_library(inner):
            continue
        try:
            disk.remove_folder(folder)
        except OSError:  # not empty, or not removable: it stays
            continue
        undo_queries.forget_folder(catalog, kept)


def _with_parents(folder: Path, library: Path) -> list[Path]:
    """The folder of a category with those of its parents; any other alone, so that `_review` itself stays."""
    inner = journal_path(folder, library)
    if inner.is_absolute() or not inner.parts or inner.parts[0].startswith("_"):
        return [folder]
    return [folder, *(library / parent for parent in inner.parents if parent.parts)]
