"""The list of pictures that could not be read, as a person finds it in the library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from classifier.catalog import files
from classifier.errors import LibraryError
from classifier.filing.generated_files import write_listing

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.catalog.connection import Catalog
    from classifier.progress import Progress

BROKEN_LISTING: Final = "_broken.csv"


def list_broken(catalog: Catalog, library: Path, progress: Progress, *, run: int) -> None:
    """Write what could not be read as `_broken.csv`, at the end of `run`; a person's own file of that name stays."""
    rows = [(path, failure.kind.value, failure.detail) for path, failure in files.failures(catalog, ending=run)]
    try:
        write_listing(catalog, library=library, name=BROKEN_LISTING, rows=rows)
    except LibraryError as error:  # their own, or ours saved anew by a spreadsheet
        progress.say(f"{error}; the list of unreadable pictures is in illsort status")
