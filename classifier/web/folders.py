"""The folders of the crawl in which something waits, as a tree, and the filter of the queue by one of them.

The page names a folder by the number that it was sent, never by a path.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from dataclasses import dataclass
from itertools import accumulate, groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from classifier.catalog.connection import open_catalog
from classifier.paths import displayable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from classifier.catalog.connection import Catalog
    from classifier.records import Action


_Parts = tuple[bytes, ...]
_MOST: Final = 300
"""Folders told of one place: a list that is longer helps nobody."""
_FILES: Final = """
SELECT d.picture, files.path FROM decisions AS d CROSS JOIN files ON files.picture = d.picture
WHERE d.action IN ('review', 'unknown') AND
"""
_LAST: Final = """
coalesce((SELECT said FROM verdicts WHERE verdicts.picture = d.picture ORDER BY id DESC LIMIT 1), '')
"""
_WAITING: Final = f"{_FILES} d.action = ? AND {_LAST} NOT IN ('right', 'none of these', 'skipped')"
_SKIPPED: Final = f"{_FILES} {_LAST} = 'skipped'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """One folder: its number, name, depth below the common parent, and number of waiting images in and below it."""

    number: int
    name: str
    depth: int
    count: int


class Folders:
    """The folders of the crawls of one library; numbers stay valid for the life of this object. Thread-safe."""

    def __init__(self, library: Path) -> None:
        self._library = library
        self._lock = threading.Lock()
        self._known: list[_Parts] = []
        self._numbers: dict[_Parts, int] = {}

    def path_of(self, number: int) -> bytes | None:
        """The folder with that number, as the catalog stores paths; None for an unknown number."""
        return b"/".join(self._known[number]) if 0 <= number < len(self._known) else None

    def look(self, action: Action | None, *, chosen: int | None) -> tuple[list[Folder], int]:
        """The folders on the top level and around `chosen`, and how many were left out because there are too many.

        Counts what waits in the queue of `action`; with None, what was skipped in any queue. Empty if all of it comes
        from one folder. Slow for large queues. Raises LibraryError when the library cannot be read.
        """
        with open_catalog(self._library) as catalog:
            asked = (_SKIPPED, ()) if action is None else (_WAITING, (action.value,))
            rows = catalog.connection.execute(*asked)
            # Rows of one picture follow each other: it counts once in each folder that holds a file of it.
            held = Counter(
                frozenset(tuple(path.split(b"/")[:-1]) for _, path in files)
                for _, files in groupby(rows, itemgetter(0))
            )
        root = _common({folder for folders in held for folder in folders})
        counts: Counter[_Parts] = Counter()
        for folders, count in held.items():
            for above in {above for folder in folders for above in _upwards(folder, root)}:
                counts[above] += count
        place = self._known[chosen] if chosen is not None and 0 <= chosen < len(self._known) else root
        shown = list(_shown(counts, root, place))
        kept = sorted(sorted(shown, key=lambda one: -counts[one])[:_MOST])
        return [self._folder(one, len(one) - len(root), counts[one]) for one in kept], len(shown) - len(kept)

    def _folder(self, parts: _Parts, depth: int, count: int) -> Folder:
        with self._lock:
            number = self._numbers.setdefault(parts, len(self._known))
            if number == len(self._known):
                self._known.append(parts)
        name = displayable(os.fsdecode(parts[-1]))
        return Folder(number=number, name=name, depth=depth, count=count)


def _upwards(folder: _Parts, root: _Parts) -> Iterator[_Parts]:
    """The root, what lies between, and the folder itself."""
    return accumulate(folder[len(root) :], lambda parts, part: (*parts, part), initial=root)


def _common(folders: Iterable[_Parts]) -> _Parts:
    """What all have in common."""
    first, last = min(folders, default=()), max(folders, default=())
    same = (one == other for one, other in zip(first, last, strict=False))
    return first[: next((number for number, is_same in enumerate(same) if not is_same), min(len(first), len(last)))]


def _shown(counts: Counter[_Parts], root: _Parts, place: _Parts) -> Iterator[_Parts]:
    """The children of the root, of the place, and of what lies between them."""
    for folder in counts:
        above = folder[:-1]
        if len(folder) > len(root) and place[: len(above)] == above:
            yield folder


_MADE: Final = "CREATE TEMP TABLE IF NOT EXISTS here (picture TEXT PRIMARY KEY) WITHOUT ROWID"
_BELOW: Final = """
INSERT OR IGNORE INTO temp.here SELECT picture FROM files WHERE path > ? AND path < ? AND picture IS NOT NULL
"""
_FEW: Final = 3000
"""To look each of so many up is faster than to look for them among all that waits."""


class FolderFilter:
    """The images of one crawl folder and below, in the table `temp.here`."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._under: bytes | None = None
        self._is_small = False
        catalog.connection.execute(_MADE)

    def look(self, under: bytes | None) -> bool:
        """Fill `temp.here` for the folder `under` (None for no filter). Returns whether there are few images."""
        if under is None:
            return False
        if under != self._under:
            self._under = under
            self._catalog.connection.execute("DELETE FROM temp.here")
            bounds = (under + b"/", under + b"0")  # "0" follows "/"
            self._is_small = self._catalog.connection.execute(_BELOW, bounds).rowcount <= _FEW
        return self._is_small

    def changed(self) -> None:
        """Query again at the next use."""
        self._under = None
