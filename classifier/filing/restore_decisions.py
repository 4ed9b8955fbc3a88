"""After an undo: what was decided before holds again, and what lies in the library is decided to be where it lies."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from classifier.catalog.decisions import affected_images, decide_as_placed, exchange_previous
from classifier.catalog.library_changes import delete_again
from classifier.catalog.manual_moves import decision_of
from classifier.catalog.migrations import LEFT_THERE
from classifier.catalog.undo_queries import run_decided
from classifier.catalog.values import to_bytes
from classifier.filing.destination import folder_for
from classifier.records import Decision

if TYPE_CHECKING:
    from classifier.catalog.connection import Catalog
    from classifier.catalog.decisions import PlacedImage


def decide_again(catalog: Catalog, undone: int, *, undo: int) -> None:
    """Bring the decisions back to before the run `undone`, as the run `undo` did its files.

    The caller holds the transaction.
    """
    run, is_undone = run_decided(catalog, undone)
    exchange_previous(catalog, run=run, undone=is_undone)
    astray = [
        decision
        for one in affected_images(catalog, run=run, undo=undo)
        if (decision := as_placed(one, LEFT_THERE)) is not None
    ]
    decide_as_placed(catalog, astray, run=run)
    if not is_undone:
        delete_again(catalog, run=run)


def as_placed(one: PlacedImage, reason: str) -> Decision | None:
    """The decision that follows from where a picture lies; None when what is decided agrees with that."""
    known = one.decision
    if known is not None and _belongs(one, known):
        return None
    found = decision_of(to_bytes(one.folder))
    if found is None:
        return None
    action, category = found
    if known is None or known.category != category:
        return Decision(picture=one.picture, action=action, category=category, confidence=0.0, reason=reason)
    return replace(known, action=action, reason=reason)


def _belongs(one: PlacedImage, decision: Decision) -> bool:
    try:
        return folder_for(decision) == one.folder
    except ValueError:
        return False
