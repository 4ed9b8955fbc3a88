"""Records that a person wants all copies of a picture filed by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.catalog.connection import is_library
from classifier.catalog.copies import image_at, keep_all
from classifier.catalog.values import to_bytes
from classifier.errors import LibraryError
from classifier.filing.plan import journal_path
from classifier.filing.reconcile import open_library

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from classifier.catalog.connection import Catalog
    from classifier.progress import Progress
    from classifier.records import ImageId


def keep_copies(library: Path, paths: Sequence[Path], progress: Progress) -> int:
    """Keep the pictures at `paths`, of the library or a crawl of it, and all their copies; returns how many they are.

    Raises LibraryError in one line where one of them has no copies that the library knows; then none is kept.
    """
    if not is_library(library):
        raise LibraryError("{library}: is no library; --keep-all takes one that was sorted into", library=library)
    with open_library(library, progress) as catalog:
        return keep_all(catalog, [_image_at(catalog, library, path) for path in paths])


def _image_at(catalog: Catalog, library: Path, path: Path) -> ImageId:
    found = image_at(catalog, to_bytes(journal_path(path.absolute(), library.absolute())))
    if found is None:
        raise LibraryError(
            "{path}: the library {library} knows no copies of it; a sort with sort.duplicates finds them",
            path=path,
            library=library,
        )
    return found
