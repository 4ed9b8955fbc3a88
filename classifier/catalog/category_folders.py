"""Which decision a folder of a library stands for; pure but for `read_known`.

A folder inside a category's folder is part of that category, unless the library has nested categories there: then it is
one of these, known or new. In a folder of which nothing is known, as many levels count as the deepest category has. A
folder whose name can be no category's is part of the one around it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import takewhile
from typing import TYPE_CHECKING, Final

from classifier.catalog.categories import nfc
from classifier.category_names import SEPARATOR, ancestors, may_be_folder
from classifier.records import Action

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

REVIEW: Final = "_review"
UNKNOWN: Final = "_unknown"
DUPLICATES: Final = "_duplicates"
_BY_CATEGORY: Final = {REVIEW: Action.REVIEW, DUPLICATES: Action.DUPLICATE}


@dataclass(frozen=True)
class KnownCategories:
    """The names of all categories that a library has or had; `least_depth` are levels that count in any case."""

    names: frozenset[str] = frozenset()
    least_depth: int = 1

    @cached_property
    def _parents(self) -> frozenset[str]:
        return frozenset(parent for name in self.names for parent in ancestors(name))

    @cached_property
    def depth(self) -> int:
        """The levels of the deepest category."""
        return max([self.least_depth, *(len(ancestors(name)) + 1 for name in self.names)])

    def with_names(self, names: Iterable[str]) -> KnownCategories:
        """The same and these categories."""
        return replace(self, names=self.names | {nfc(name) for name in names})

    def category_of(self, folders: Sequence[str]) -> str:
        """The category of what is in nested `folders`, the outermost first; empty for none."""
        folders = list(takewhile(may_be_folder, folders))
        count = min(1, len(folders))
        while count < min(len(folders), self.depth):
            above = nfc(SEPARATOR.join(folders[:count]))
            if above in self.names and above not in self._parents and count >= self.least_depth:
                break
            count += 1
        return SEPARATOR.join(folders[:count])

    def decision_for(self, folder: bytes) -> tuple[Action, str] | None:
        """The decision that a folder stands for: file, review with a best guess, unknown, or duplicate.

        The `_review` of a category is for what is of it, or of a category in it. None at the top, and where the name
        of the outermost folder can be no category's: it begins with "_" or ".", or is not in UTF-8.
        """
        try:
            first, *rest = folder.decode().split("/")
        except UnicodeDecodeError:
            return None
        if first in _BY_CATEGORY:
            return _BY_CATEGORY[first], self.category_of(rest)
        if first == UNKNOWN:
            return Action.UNKNOWN, ""
        if not may_be_folder(first):
            return None
        if REVIEW in rest:
            return Action.REVIEW, self.category_of([first, *rest[: rest.index(REVIEW)]])
        return Action.FILE, self.category_of([first, *rest])


FLAT: Final = KnownCategories()
"""Where no category is nested."""


def add_is_outside(connection: sqlite3.Connection) -> None:
    """Give SQL the function `is_outside`."""
    connection.create_function("is_outside", 1, _is_outside, deterministic=True)


OUTSIDE: Final = "is_outside(places.path)"
"""Whether what is filed was put by a person at the top of the library or into a folder of no category; SQL."""


def _is_outside(path: object) -> bool:
    folder, inside, _ = path.partition(b"/") if isinstance(path, bytes) else (b"", b"", b"")
    return not inside or not _is_of_category(folder)


@lru_cache
def _is_of_category(folder: bytes) -> bool:
    decided = FLAT.decision_for(folder)
    return decided is not None and decided[0] is Action.FILE


def read_known(connection: sqlite3.Connection) -> KnownCategories:
    """The categories of all decisions, and those that a person made or renamed."""
    rows = connection.execute(
        "SELECT DISTINCT category FROM decisions UNION SELECT name FROM categories UNION SELECT became FROM categories"
    )
    return KnownCategories(frozenset(nfc(name) for (name,) in rows if isinstance(name, str) and name))
