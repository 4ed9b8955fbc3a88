"""The folders of the crawl in which something waits, as a tree.

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
from classifier.catalog.queue_pages import skipped_paths, waiting_paths
from classifier.paths import displayable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from classifier.records import Action


_Parts = tuple[bytes, ...]
_MOST: Final = 300
"""Folders shown at once."""


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
            rows = skipped_paths(catalog) if action is None else waiting_paths(catalog, action)
            # Rows of one image are adjacent: it counts once in each folder with a file of it.
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
    """The folders from the root to this one, both included."""
    return accumulate(folder[len(root) :], lambda parts, part: (*parts, part), initial=root)


def _common(folders: Iterable[_Parts]) -> _Parts:
    """The common ancestor."""
    first, last = min(folders, default=()), max(folders, default=())
    same = (one == other for one, other in zip(first, last, strict=False))
    return first[: next((number for number, is_same in enumerate(same) if not is_same), min(len(first), len(last)))]


def _shown(counts: Counter[_Parts], root: _Parts, place: _Parts) -> Iterator[_Parts]:
    """The children of each folder from the root to `place`."""
    for folder in counts:
        above = folder[:-1]
        if len(folder) > len(root) and place[: len(above)] == above:
            yield folder
