"""Moves images within the library to the folders of their decisions, and removes folders that this leaves empty.

An image that cannot be moved gets the decision of the folder that it is in.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.catalog import undo_queries
from classifier.catalog.places import place_of, sidecars_of
from classifier.catalog.values import to_bytes, to_path
from classifier.errors import Message
from classifier.filing.decide_by_location import decide_not_moved
from classifier.filing.destination import CategoryFolders, candidate_names, recorded_file
from classifier.filing.executor import execute
from classifier.filing.fsops import Disk
from classifier.filing.path_scope import PathScope
from classifier.filing.plan import journal_path
from classifier.filing.results import Status
from classifier.filing.sidecars import sidecar_moves
from classifier.records import Method, Move

if TYPE_CHECKING:
    from collections.abc import Iterable

    from classifier.catalog.connection import Catalog
    from classifier.progress import Progress
    from classifier.records import Decision

_BATCH = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class RefileResult:
    """The number of the run, how many pictures went where they belong, and those that could not, with the reason."""

    run: int
    moved: int
    left: tuple[tuple[Path, str], ...]


def refile_images(
    catalog: Catalog, library: Path, decided: Iterable[Decision], *, run: int, progress: Progress
) -> RefileResult:
    """Bring every picture in the library to the folder of its decision, with its sidecars; the caller owns the library.

    Folders of ours that nothing is left in go.
    Raises FilingStopped when the disk refuses; what is done by then is recorded.
    """
    folders = CategoryFolders(library)
    moves = [move for decision in decided if (move := _move(catalog, library, decision, folders))]
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


def _move(catalog: Catalog, library: Path, decision: Decision, folders: CategoryFolders) -> Move | None:
    place, folder = place_of(catalog, decision.image_id), folders(decision)
    if place is None or to_path(place.path).parent == folder:
        return None
    source = recorded_file(place, library)
    names = candidate_names(source.path.name, decision.image_id)
    return Move(image_id=decision.image_id, source=source, folder=folder, names=names, method=Method.RENAME)


def remove_empty_folders(catalog: Catalog, library: Path, folders: Iterable[Path], *, disk: Disk | None = None) -> None:
    """Remove those of `folders`, within `library`, that a run made and that hold nothing any more."""
    disk, bounds = disk or Disk(), PathScope(catalog, library)
    for folder in sorted(set(folders)):
        inner = journal_path(folder, library)
        kept = to_bytes(inner)
        if not undo_queries.is_own_folder(catalog, kept) or undo_queries.holds_places(catalog, kept):
            continue
        if not bounds.is_folder_in_library(inner):
            continue
        try:
            disk.remove_folder(folder)
        except OSError:  # not empty, or not to be removed: it stays
            continue
        undo_queries.forget_folder(catalog, kept)
