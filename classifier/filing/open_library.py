"""A library as whoever changes it finds it: owned, its catalog open, recovered, and in agreement with the disk."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from classifier.catalog.connection import open_catalog
from classifier.catalog.lock import owned
from classifier.filing.known_crawls import name_crawl
from classifier.filing.reconcile import reconcile, say_found
from classifier.filing.recover import recover
from classifier.progress import counted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from classifier.catalog.connection import Catalog
    from classifier.progress import Progress


@contextmanager
def opened(library: Path, progress: Progress, *, named: Path | None = None) -> Iterator[Catalog]:
    """The library's catalog, owned and recovered; `named` is the crawl that a person named to this command.

    Raises LibraryError while another process owns it.
    """
    with owned(library), open_catalog(library) as catalog:
        if named is not None:
            name_crawl(catalog, named)
        settled = recover(catalog, library)
        if settled.rebuilt:
            changes = counted(settled.rebuilt, "change was", "changes were")
            progress.say(f"the catalog was lost: {changes} read from the plain record beside it")
        if settled.done or settled.cancelled:
            progress.say(f"the last run was stopped: {settled.done + settled.cancelled} open moves were settled")
        for left in (*settled.damaged, *settled.unnamed):
            progress.say(f"{left.path}: {left.reason}")
        for path in settled.gone:
            progress.say(f"{path}: was being filed when the last run was stopped, and is neither there nor here")
        say_found(reconcile(catalog, library, progress), progress)
        yield catalog
