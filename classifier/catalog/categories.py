"""Categories that a person created, renamed or merged.

A row maps one name to its new name: itself when it was created, else another. The last row of a name counts. Names
are compared and returned in Unicode's composed form (NFC), whatever form they are stored in: macOS writes the
decomposed form (NFD), which looks the same.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from classifier.catalog.connection import Catalog

_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


def nfc(name: str) -> str:
    """The name in Unicode's composed form, in which categories are compared."""
    return unicodedata.normalize("NFC", name)


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryAliases:
    """`made` are the categories that a person created, oldest first; `now` maps old names to new ones."""

    made: tuple[str, ...] = ()
    now: Mapping[str, str] = field(default_factory=lambda: _NOTHING)

    def resolve(self, category: str) -> str:
        """The current name of a category."""
        category = nfc(category)
        while category in self.now:
            category = self.now[category]
        return category

    def aliases_of(self, category: str) -> tuple[str, ...]:
        """Every name under which the category now called `category` may be stored."""
        names = (category, *(old for old in self.now if self.resolve(old) == category))
        return tuple(dict.fromkeys(form for name in names for form in (name, unicodedata.normalize("NFD", name))))

    def all(self, known: Iterable[str]) -> tuple[str, ...]:
        """The categories `known` to a model by their current names, each once, then those that a person created."""
        return tuple(dict.fromkeys([*(self.resolve(category) for category in known), *self.made]))


def read_aliases(catalog: Catalog, *, of_folders: bool = False) -> CategoryAliases:
    """The current aliases; with `of_folders` those alone that follow from folders that a person renamed."""
    stored = catalog.connection.execute(
        "SELECT name, became FROM categories WHERE step IS NULL OR NOT ? ORDER BY id", (of_folders,)
    )
    rows = [(nfc(name), nfc(became)) for name, became in stored]
    last = dict(rows)
    made = dict.fromkeys(name for name, became in rows if name == became == last[name])
    return CategoryAliases(made=tuple(made), now={name: became for name, became in last.items() if name != became})


def make(catalog: Catalog, names: Iterable[str], *, at: str) -> None:
    """Record categories that a person created; existing ones stay as they are."""
    there = set(read_aliases(catalog).made)
    _add(catalog, [(name, name) for name in names if name not in there], at)


def rename(catalog: Catalog, old: str, new: str, *, at: str, step: int | None) -> None:
    """Record as one step that `old` is now called `new`, which may be an existing category: then the two are merged.

    Without a step the page cannot take it back.
    """
    _add(catalog, [(new, new), (old, new)], at, step)


def renaming_steps(catalog: Catalog) -> list[int]:
    """The numbers of the steps in which categories were renamed, in order; a renaming without one cannot be undone."""
    rows = catalog.connection.execute(
        "SELECT DISTINCT step FROM categories WHERE name != became AND step IS NOT NULL ORDER BY step"
    )
    return [int(step) for (step,) in rows]


def take_back(catalog: Catalog, step: int) -> dict[str, str]:
    """Remove what one step recorded; returns the old and new name of each renaming in it."""
    with catalog.transaction() as connection:
        rows = connection.execute("SELECT name, became FROM categories WHERE step = ? AND name != became", (step,))
        given_up = dict(rows.fetchall())
        connection.execute("DELETE FROM categories WHERE step = ?", (step,))
    return given_up


def _add(catalog: Catalog, rows: Iterable[tuple[str, str]], at: str, step: int | None = None) -> None:
    with catalog.transaction() as connection:
        connection.executemany(
            "INSERT INTO categories (name, became, at, step) VALUES (?, ?, ?, ?)",
            [(name, became, at, step) for name, became in rows],
        )
