"""Removes folders of ours that moving pictures elsewhere has left empty; one that a person made or uses stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.catalog import undo_queries
from classifier.catalog.values import to_bytes
from classifier.filing.fsops import Disk
from classifier.filing.path_scope import PathScope
from classifier.filing.plan import within

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from classifier.catalog.connection import Catalog


def remove_emptied(catalog: Catalog, library: Path, folders: Iterable[Path], *, disk: Disk | None = None) -> None:
    """Remove those of `folders`, within `library`, that a run made and that hold nothing any more."""
    disk, bounds = disk or Disk(), PathScope(catalog, library)
    for folder in sorted(set(folders)):
        inner = within(folder, library)
        kept = to_bytes(inner)
        if not undo_queries.is_ours(catalog, kept) or undo_queries.holds_places(catalog, kept):
            continue
        if not bounds.is_folder_in_library(inner):
            continue
        try:
            disk.remove_folder(folder)
        except OSError:  # not empty, or not to be removed: it stays
            continue
        undo_queries.forget_folder(catalog, kept)
