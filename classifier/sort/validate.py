"""Whether a crawl and a library may be used together; decided before anything is made or moved."""

from __future__ import annotations

import os
from pathlib import Path

from classifier.errors import CrawlError, LibraryError


def checked_crawl(crawl: Path, library: Path) -> Path:
    """The crawl's absolute path, links resolved. Raises CrawlError or LibraryError in one line.

    A library inside the crawl is fine: it is left out of the scan. A crawl inside the library is not: the library
    would be sorted into itself.
    """
    if not crawl.exists():
        raise CrawlError(f"{crawl}: there is no such folder to sort")
    if not crawl.is_dir():
        raise CrawlError(f"{crawl}: is no folder; give the folder that holds the pictures")
    if library.exists() and not library.is_dir():
        raise LibraryError(f"--out {library}: is a file; give a folder")
    if not os.access(crawl, os.R_OK | os.X_OK):
        raise CrawlError(f"{crawl}: may not be read by you; check its permissions")
    inner, outer = crawl.resolve(), library.resolve()
    if any(_same(folder, outer) for folder in (inner, *inner.parents)):
        raise CrawlError(f"{crawl}: is the library {library} or lies inside it; sort a folder outside of it")
    return inner


def _same(first: Path, second: Path) -> bool:
    """One folder under two names counts: another case, a bind mount."""
    return first == second or (second.exists() and first.exists() and first.samefile(second))
