"""A catalogue that was lost, made anew as far as the trail tells: the changes, and where the pictures are by them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.catalog import undo_queries
from classifier.catalog.moves import add_places, placed, to_path
from classifier.filing.file_checks import look
from classifier.filing.path_scope import Bounds
from classifier.records import Method

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.catalog.connection import Catalogue
    from classifier.catalog.moves import Entry, Place

_LEAVES_LIBRARY = frozenset({Method.REMOVE, Method.RESTORE})


def rebuild(catalogue: Catalogue, library: Path) -> tuple[int, tuple[int, ...]]:
    """Fill an empty journal and the places from the trail; how many changes that are, and which lines are damaged.

    Without this, a new catalogue would number its changes from 1 again, and the trail would hold two of each number.
    """
    with catalogue.transaction():
        count, damaged = undo_queries.rebuild(catalogue, library)
        if count:
            bounds = Bounds(catalogue, library)
            for entry in undo_queries.all_standing(catalogue):
                add_places(catalogue, _places(entry, bounds, library), renamed=entry.method is Method.RENAME)
    return count, damaged


def _places(entry: Entry, bounds: Bounds, library: Path) -> list[Place]:
    target = to_path(entry.target or b"")
    if entry.method in _LEAVES_LIBRARY or not bounds.is_in_library(target):
        return []
    return [placed(entry, look(library / target))]
