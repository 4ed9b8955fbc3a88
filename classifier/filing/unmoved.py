"""Pictures of the library that could not be moved where they belong: they are decided to be where they lie."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from classifier.catalog.decisions import NOT_MOVED, PlacedImage, decide_as_placed, decided_of
from classifier.filing.restore_decisions import as_placed
from classifier.filing.results import Outcome, Status
from classifier.records import Method

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from classifier.catalog.connection import Catalog


def is_not_moved(outcome: Outcome) -> bool:
    """Whether a picture could not be moved within the library though nobody changed or took it."""
    move = outcome.move
    return move.method is Method.RENAME and move.beside is None and outcome.status is Status.FAILED


def decide_not_moved(catalog: Catalog, library: Path, outcomes: Sequence[Outcome], *, run: int) -> Counter[str]:
    """Decide the pictures that `run` could not move to be where they lie; how many, by the reason."""
    failed = [outcome for outcome in outcomes if is_not_moved(outcome) and _lies_in(library, outcome)]
    if failed:
        decided = decided_of(catalog, [outcome.move.picture for outcome in failed])
        placed = [
            PlacedImage(
                picture=move.picture,
                folder=move.source.path.parent.relative_to(library),
                decision=decided.get(move.picture),
            )
            for move in (outcome.move for outcome in failed)
        ]
        found = [decision for one in placed if (decision := as_placed(one, NOT_MOVED)) is not None]
        with catalog.transaction():
            decide_as_placed(catalog, found, run=run)
    return Counter(outcome.reason for outcome in failed)


def _lies_in(library: Path, outcome: Outcome) -> bool:
    """Whether the file lies in the library: what a stranger wrote into the catalog may be anywhere."""
    return outcome.move.source.path.is_relative_to(library) and ".." not in outcome.move.source.path.parts
