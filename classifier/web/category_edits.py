"""Categories as the page edits them: create, rename and merge, the annotations that follow, and their keys."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from string import ascii_lowercase, ascii_uppercase
from typing import TYPE_CHECKING, Final

from classifier.catalog import annotation_log, categories, decisions
from classifier.catalog.annotation_log import begin_step
from classifier.catalog.categories import nfc
from classifier.category_names import SEPARATOR, check_names
from classifier.errors import LibraryError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from classifier.catalog.categories import CategoryAliases
    from classifier.catalog.connection import Catalog
    from classifier.catalog.queue import QueueItem
    from classifier.decision.suggestions import Suggestions
    from classifier.records import Annotation


def make_category(catalog: Catalog, name: str, *, guesses: Suggestions, at: str) -> None:
    """Make a category. Raises LibraryError or LabelsError for an invalid name."""
    name = nfc(name)
    if name in guesses.categories:
        raise LibraryError("the category {name!r} is there already", name=name)
    if (new := guesses.names.resolve(name)) != name:
        raise LibraryError("{name!r} is now called {new!r}; take another name", name=name, new=new)
    check_names([*guesses.categories, name])
    categories.make(catalog, [name], at=at)


def with_current_names(rows: list[QueueItem], names: CategoryAliases) -> list[QueueItem]:
    """The same items, each category by its current name."""
    return [replace(row, category=names.resolve(row.category), best=names.resolve(row.best)) for row in rows]


def counts_by_current_name(
    counts: Mapping[str, Mapping[str, int]], names: CategoryAliases
) -> dict[str, dict[str, int]]:
    """Counts by queue and category, each category by its current name, most first."""
    summed: dict[str, Counter[str]] = {tray: Counter() for tray in counts}
    for tray, of_it in counts.items():
        for category, count in of_it.items():
            summed[tray][names.resolve(category)] += count
    return {tray: dict(of_it.most_common()) for tray, of_it in summed.items()}


def undo_rename(catalog: Catalog, step: int) -> None:
    """Restore the names from before a step; images in a folder of the old name keep that category."""
    for old, new in categories.take_back(catalog, step).items():
        decisions.rename_category(catalog, new, old)


def rename_category(
    catalog: Catalog, old: str, new: str, *, guesses: Suggestions, origin: str, at: str
) -> list[Annotation]:
    """Rename `old` and the categories nested in it to `new`; those that exist there are merged.

    All or nothing. The latest annotations with `old` are stored again with `new` and returned. Raises LibraryError or
    LabelsError when there is no `old`, or the name is invalid.
    """
    old, new = nfc(old), nfc(new)
    inside = f"{old}{SEPARATOR}"
    renamed = {one: new + one.removeprefix(old) for one in guesses.categories if one == old or one.startswith(inside)}
    if not renamed:
        raise LibraryError("there is no category {name!r}", name=old)
    if new == old:
        raise LibraryError("the category is called {name!r} already", name=old)
    if new.startswith(inside):
        raise LibraryError("{new!r} lies in {old!r}; take another name", new=new, old=old)
    others = [one for one in guesses.categories if one not in renamed]
    check_names(list(dict.fromkeys([*others, *renamed.values()])))
    with catalog.transaction():
        step = begin_step(catalog, at=at)
        stored = []
        for one, now in renamed.items():
            categories.rename(catalog, one, now, at=at, step=step)
            stored += annotation_log.rename_category(
                catalog, one, now, origin=origin, at=at, step=step, merges=now in guesses.categories
            )
        return stored


_DIGITS: Final = "1234567890"
_TAKEN: Final = frozenset("sugofzncy")
"""Keys of the page itself: skip, none of these, grid, order, file, closer, new category or wrong, categories, right.

So is the capital F.
"""


def keys_for(categories: Sequence[str]) -> dict[str, str]:
    """A key for each category: digits, then letters of its name, then any letter, then capitals. Pure.

    The same categories always get the same keys. Categories beyond the last key have none.
    """
    given = dict(zip(categories, _DIGITS, strict=False))
    free = [letter for letter in ascii_lowercase if letter not in _TAKEN]
    rest = [category for category in categories if category not in given]
    for category in rest:
        own = next((letter for letter in category.lower() if letter in free), None)
        if own is not None:
            given[category] = own
            free.remove(own)
    without = [category for category in rest if category not in given]
    return given | dict(zip(without, [*free, *ascii_uppercase.replace("F", "")], strict=False))
