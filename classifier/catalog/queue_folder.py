"""The queue and the folders of the crawl: the paths of what waits, and the images of one folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifier.catalog.connection import Catalog
    from classifier.records import Action

_FILES: Final = """
SELECT d.picture, files.path FROM decisions AS d CROSS JOIN files ON files.picture = d.picture
WHERE d.action IN ('review', 'unknown') AND
"""
_LAST: Final = """
coalesce((SELECT said FROM verdicts WHERE verdicts.picture = d.picture ORDER BY id DESC LIMIT 1), '')
"""
_MADE: Final = "CREATE TEMP TABLE IF NOT EXISTS here (picture TEXT PRIMARY KEY) WITHOUT ROWID"
_BELOW: Final = """
INSERT OR IGNORE INTO temp.here SELECT picture FROM files WHERE path > ? AND path < ? AND picture IS NOT NULL
"""
_FEW: Final = 3000
"""To look up each of so many is faster than to look for them among all that waits."""


def waiting_paths(catalog: Catalog, action: Action) -> Iterator[tuple[str, bytes]]:
    """Image and path of each file of the crawl that waits in the queue of `action`; those of one image together."""
    query = f"{_FILES} d.action = ? AND {_LAST} NOT IN ('right', 'none of these', 'skipped')"
    return catalog.connection.execute(query, (action.value,))


def skipped_paths(catalog: Catalog) -> Iterator[tuple[str, bytes]]:
    """Image and path of each file of the crawl that was skipped, in any queue; those of one image together."""
    return catalog.connection.execute(f"{_FILES} {_LAST} = 'skipped'")


class FolderFilter:
    """The images of one crawl folder and below, in the table `temp.here`."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._folder: bytes | None = None
        self._is_small = False
        catalog.connection.execute(_MADE)

    def select(self, folder: bytes | None) -> bool:
        """Fill `temp.here` for a folder (None for no filter). Returns whether there are few images."""
        if folder is None:
            return False
        if folder != self._folder:
            self._folder = folder
            self._catalog.connection.execute("DELETE FROM temp.here")
            bounds = (folder + b"/", folder + b"0")  # "0" follows "/"
            self._is_small = self._catalog.connection.execute(_BELOW, bounds).rowcount <= _FEW
        return self._is_small

    def changed(self) -> None:
        """Query again at the next use."""
        self._folder = None
