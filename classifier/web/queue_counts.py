"""How much waits in each tray, kept up to date with every answer: counting anew takes long where much waits.

What was answered is in `temp.said`, which keeps it out of the queue; this counts it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from classifier.records import Action, PictureId
from classifier.web.category_edits import named_counts
from classifier.web.queue import RULED_OUT, SAID, of_pictures

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from classifier.catalog.categories import CategoryAliases
    from classifier.catalog.connection import Catalog
    from classifier.web.queue import Waiting


_COUNTS: Final = """
SELECT d.action, coalesce(r.category, d.category), count(*) FROM decisions AS d
LEFT JOIN outlook.ranks AS r ON r.picture = d.picture AND r.action = d.action
CROSS JOIN places ON places.picture = d.picture
WHERE d.action IN ('review', 'unknown') GROUP BY 1, 2 ORDER BY 3 DESC, 2
"""
_SETTLED: Final = """
SELECT d.picture, d.action, coalesce(r.category, d.category)
FROM temp.said CROSS JOIN decisions AS d ON d.picture = said.picture
LEFT JOIN outlook.ranks AS r ON r.picture = d.picture AND r.action = d.action
WHERE said.how IN ('settled', 'skipped')
"""


class QueueCounts:
    """What is answered of one catalog, and how much is left."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self.counts: dict[str, dict[str, int]] | None = None
        """How many lie in each tray, by best guess, answered or not; None before they are counted."""
        self.skipped: set[PictureId] = set()
        self._settled: dict[PictureId, tuple[str, str]] = {}
        self._fewer: Counter[tuple[str, str]] = Counter()
        catalog.connection.execute(SAID)
        catalog.connection.execute(RULED_OUT)

    def waiting(self, names: CategoryAliases) -> dict[str, dict[str, int]]:
        """How many wait in each tray, by the best guess's name of now, most first."""
        self.counts = self.counts or counts(self._catalog)
        return {
            action: {
                guess: left for guess, count in by_guess.items() if (left := count - self._fewer[action, guess]) > 0
            }
            for action, by_guess in named_counts(self.counts, names).items()
        }

    def guess_anew(self, found: dict[str, dict[str, int]] | None, names: CategoryAliases) -> None:
        """Other guesses hold from now on, by which `found` is counted; None where it is not counted yet."""
        self.counts = found
        self._settled = {
            picture: (action, names.resolve(best)) for picture, (action, best) in settled(self._catalog).items()
        }
        self._fewer = Counter(self._settled.values())

    def leave(self, picture: PictureId) -> None:
        """Back into the queue, as if nothing had been said."""
        self._catalog.connection.execute("DELETE FROM temp.said WHERE picture = ?", (picture,))
        self.skipped.discard(picture)
        was = self._settled.pop(picture, None)
        if was is not None:
            self._fewer[was] -= 1

    def enter(self, row: Waiting, how: str | None, category: str | None) -> None:
        """Out of the queue, wholly or in part."""
        if how is None:
            return
        values = (row.picture, how, category)
        self._catalog.connection.execute("INSERT INTO temp.said (picture, how, category) VALUES (?, ?, ?)", values)
        if how == "skipped":
            self.skipped.add(row.picture)
        if how in {"settled", "skipped"}:
            self._settled[row.picture] = (row.action.value, row.best)
            self._fewer[row.action.value, row.best] += 1

    def rule_out(
        self, pictures: Iterable[PictureId], found: Mapping[PictureId, Iterable[str]], names: CategoryAliases
    ) -> None:
        """Know which categories these `pictures` are not of, by the names that were said: what is `found` and no more.

        A category that was put together with another one is none any more, and rules that one out no more.
        """
        execute = self._catalog.connection.execute
        for picture in pictures:
            execute("DELETE FROM temp.ruled_out WHERE picture = ?", (picture,))
            for name in found.get(picture, ()):
                for kept in names.aliases_of(name) if names.resolve(name) == name else ():
                    execute("INSERT OR IGNORE INTO temp.ruled_out VALUES (?, ?)", (picture, kept))

    def ruled_out(self, picture: PictureId) -> set[str]:
        """The categories that a picture is not of, under all names they are kept by."""
        query = "SELECT category FROM temp.ruled_out WHERE picture = ?"
        return {str(category) for (category,) in self._catalog.connection.execute(query, (picture,))}

    def decided_anew(self, before: Waiting, *, model: str) -> None:
        """One picture, as it was `before`, is decided otherwise by now."""
        if self.counts is None:
            return
        after = of_pictures(self._catalog, [before.picture], model=model)
        for row, number in ((before, -1), *((row, 1) for row in after)):
            if row.action is not Action.FILE:
                of_tray = self.counts.setdefault(row.action.value, {})
                of_tray[row.best] = of_tray.get(row.best, 0) + number


def counts(catalog: Catalog) -> dict[str, dict[str, int]]:
    """How many lie in each tray, by best guess, most first, answered or not; takes as long as there are many."""
    found: dict[str, dict[str, int]] = {Action.REVIEW.value: {}, Action.UNKNOWN.value: {}}
    for action, category, count in catalog.connection.execute(_COUNTS):
        found[action][category] = count
    return found


def settled(catalog: Catalog) -> dict[PictureId, tuple[str, str]]:
    """Tray and best guess of each picture that waits no longer: settled by a person's word, or skipped."""
    rows = catalog.connection.execute(_SETTLED)
    return {PictureId(picture): (action, best) for picture, action, best in rows}


def said_of(catalog: Catalog) -> dict[str, int]:
    """How many pictures a person put into each category."""
    query = "SELECT category, count(*) FROM temp.said WHERE how = 'settled' AND category IS NOT NULL GROUP BY category"
    return dict(catalog.connection.execute(query).fetchall())
