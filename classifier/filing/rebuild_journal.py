"""A catalog that was lost, made anew as far as the trail tells: the changes, and where the pictures are by them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.catalog import undo_queries
from classifier.catalog.moves import placed
from classifier.catalog.places import add_places
from classifier.catalog.values import to_path
from classifier.filing.file_checks import look
from classifier.filing.path_scope import PathScope
from classifier.records import Method

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.catalog.connection import Catalog
    from classifier.catalog.moves import MoveRecord
    from classifier.catalog.places import LibraryFile

_LEAVES_LIBRARY = frozenset({Method.REMOVE, Method.RESTORE})


def rebuild(catalog: Catalog, library: Path) -> tuple[int, tuple[int, ...]]:
    """Fill an empty journal and the places from the trail; how many changes that are, and which lines are damaged.

    Without this, a new catalog would number its changes from 1 again, and the trail would hold two of each number.
    """
    with catalog.transaction():
        count, damaged = undo_queries.rebuild(catalog, library)
        if count:
            bounds = PathScope(catalog, library)
            for entry in undo_queries.all_standing(catalog):
                add_places(catalog, _places(entry, bounds, library), renamed=entry.method is Method.RENAME)
    return count, damaged


def _places(entry: MoveRecord, bounds: PathScope, library: Path) -> list[LibraryFile]:
    target = to_path(entry.target or b"")
    if entry.method in _LEAVES_LIBRARY or not bounds.is_in_library(target):
        return []
    return [placed(entry, look(library / target))]
