"""The pictures of the folder that a person looks at, as the table `temp.here`: looked for once, when it is chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from classifier.catalog.connection import Catalog

_MADE: Final = "CREATE TEMP TABLE IF NOT EXISTS here (picture TEXT PRIMARY KEY) WITHOUT ROWID"
_BELOW: Final = """
INSERT OR IGNORE INTO temp.here SELECT picture FROM files WHERE path > ? AND path < ? AND picture IS NOT NULL
"""
_FEW: Final = 3000
"""To look each of so many up is faster than to look for them among all that waits."""


class FolderFilter:
    """Knows which pictures of a catalog have a file in one folder of the crawl, or below it."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._under: bytes | None = None
        self._is_small = False
        catalog.connection.execute(_MADE)

    def look(self, under: bytes | None) -> bool:
        """Have `temp.here` hold those of the folder `under` (None asks for none); whether they are few."""
        if under is None:
            return False
        if under != self._under:
            self._under = under
            self._catalog.connection.execute("DELETE FROM temp.here")
            bounds = (under + b"/", under + b"0")  # "0" follows "/"
            self._is_small = self._catalog.connection.execute(_BELOW, bounds).rowcount <= _FEW
        return self._is_small

    def changed(self) -> None:
        """There may be others by now."""
        self._under = None
