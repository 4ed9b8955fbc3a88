"""Decisions that follow from where an image is: after an undo, and for images that could not be moved."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from classifier.catalog.decisions import (
    PlacedImage,
    affected_images,
    decide_as_placed,
    decisions_of,
    exchange_previous,
)
from classifier.catalog.library_changes import delete_again
from classifier.catalog.manual_moves import decision_for_folder
from classifier.catalog.undo_queries import decisions_run
from classifier.catalog.values import to_bytes
from classifier.filing.destination import folder_for
from classifier.filing.results import Outcome, Status
from classifier.reasons import Reason, ReasonCode
from classifier.records import Decision, Method

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from classifier.catalog.connection import Catalog


def restore_decisions(catalog: Catalog, undone: int, *, undo: int) -> None:
    """Bring the decisions back to before the run `undone`, as the run `undo` did its files.

    The caller holds the transaction.
    """
    run, is_undone = decisions_run(catalog, undone)
    exchange_previous(catalog, run=run, undone=is_undone)
    misplaced = [
        decision
        for one in affected_images(catalog, run=run, undo=undo)
        if (decision := decision_from_location(one, Reason(ReasonCode.LEFT_BY_UNDO))) is not None
    ]
    decide_as_placed(catalog, misplaced, run=run)
    if not is_undone:
        delete_again(catalog, run=run)


def decision_from_location(one: PlacedImage, reason: Reason) -> Decision | None:
    """The decision that follows from where a picture lies; None when what is decided agrees with that."""
    known = one.decision
    if known is not None and _belongs(one, known):
        return None
    found = decision_for_folder(to_bytes(one.folder))
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
    """Whether a picture could not be moved within the library though nobody changed or took it."""
    move = outcome.move
    return move.method is Method.RENAME and move.beside is None and outcome.status is Status.FAILED


def decide_not_moved(catalog: Catalog, library: Path, outcomes: Sequence[Outcome], *, run: int) -> Counter[str]:
    """Decide the pictures that `run` could not move to be where they lie; how many, by the reason."""
    failed = [outcome for outcome in outcomes if is_not_moved(outcome) and _lies_in(library, outcome)]
    if failed:
        decided = decisions_of(catalog, [outcome.move.image_id for outcome in failed])
        placed = [
            PlacedImage(
                image_id=move.image_id,
                folder=move.source.path.parent.relative_to(library),
                decision=decided.get(move.image_id),
            )
            for move in (outcome.move for outcome in failed)
        ]
        by_location = (decision_from_location(one, Reason(ReasonCode.NOT_MOVED)) for one in placed)
        found = [decision for decision in by_location if decision is not None]
        with catalog.transaction():
            decide_as_placed(catalog, found, run=run)
    return Counter(outcome.reason for outcome in failed)


def _lies_in(library: Path, outcome: Outcome) -> bool:
    """Whether the file lies in the library: what a stranger wrote into the catalog may be anywhere."""
    return outcome.move.source.path.is_relative_to(library) and ".." not in outcome.move.source.path.parts
