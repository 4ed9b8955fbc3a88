"""The last run, where it did not end, and what it decided or moved by then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from classifier.catalog.decisions import PlacedImage, decision_from_row
from classifier.catalog.undo_queries import UNDO
from classifier.catalog.values import to_path
from classifier.records import ImageId

if TYPE_CHECKING:
    from classifier.catalog.connection import Catalog

_LAST: Final = "SELECT id, kind, finished FROM runs WHERE kind NOT IN ('preview', 'label') ORDER BY id DESC LIMIT 1"

_PLACED: Final = """
SELECT places.path, d.run, d.picture, d.action, d.category, d.confidence, d.reason_code, d.reason_params
FROM places JOIN decisions AS d ON d.picture = places.picture
WHERE d.run = :run OR d.picture IN (SELECT picture FROM moves WHERE run = :run AND state = 'done')
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoppedRun:
    """A run that was killed, or that a disk or a person stopped."""

    id: int
    is_undo: bool


def stopped_run(catalog: Catalog) -> StoppedRun | None:
    """The last run that may have changed the library; None if it ended. While one is at work, it is that one.

    None for an audit: its decisions are all that tells what it was to file, and it is finished by the next one.
    """
    number, kind, finished = catalog.connection.execute(_LAST).fetchone() or (0, "audit", None)
    return None if finished is not None or kind == "audit" else StoppedRun(id=int(number), is_undo=kind == UNDO)


def placed_by_run(catalog: Catalog, run: int) -> list[tuple[int, PlacedImage]]:
    """The images in the library that `run` decided or moved, each with the run of its decision."""
    return [
        (by, PlacedImage(image_id=ImageId(row[0]), folder=to_path(path).parent, decision=decision_from_row(row)))
        for path, by, *row in catalog.connection.execute(_PLACED, {"run": run})
    ]
