"""The last preview of a library as it is kept in the catalog: its run, its numbers, and the sort that would follow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from classifier.catalog import runs
from classifier.catalog.connection import read_catalog
from classifier.catalog.runs import Run
from classifier.paths import command
from classifier.records import Mode
from classifier.sort.given_options import GIVEN, number, words_of

SHEET: Final = "_preview.html"
"""The name of its contact sheet, in the library."""
_KEYS: Final = frozenset({"table", "steps", "asked", "samples"})


@dataclass(frozen=True, slots=True, kw_only=True)
class LastPreview:
    """A finished preview; `run.summary` is the summary of the planned sort with the keys of `preview_numbers`."""

    library: Path
    run: Run
    settings: dict[str, Any]
    """Its settings by section, as recorded."""
    is_current: bool
    """Whether no sort of the same crawl came after it."""

    @property
    def numbers(self) -> dict[str, Any]:
        """The summary."""
        return self.run.summary

    @property
    def images(self) -> int:
        """How many images a setting decides about: readable ones that are no copies, each once."""
        return sum(row["filed"] + row["review"] + row["unknown"] for row in self.numbers["table"])

    def sort_command(self, threshold: float | None = None) -> str:
        """The command that files the images as planned, or at another threshold, without the options of the machine.

        It asks for the same in every folder whose `illsort.toml` sets nothing that was left open here.
        """
        words: list[object] = ["sort", self.run.crawl, "--out", self.library, "--model", self.run.bundle]
        given = self.settings.get(GIVEN)
        return command(*words, *(self._words_of_before(threshold) if given is None else words_of(given, threshold)))

    def _words_of_before(self, threshold: float | None) -> Iterator[str]:
        """What is known of a preview by a version that did not record what it was asked."""
        if self.run.mode != Mode.LINK:
            yield from ("--mode", self.run.mode)
        if threshold is not None:
            yield from ("--threshold", number(threshold))
        elif self.run.strictness.max_error is not None:
            yield from ("--max-error", number(self.run.strictness.max_error))
        for pattern in self.settings.get("images", {}).get("exclude", ()):
            yield from ("--exclude", pattern)


def last_preview(library: Path) -> LastPreview | None:
    """The last finished preview of `library`, None if there is none; raises LibraryError if it is no library."""
    with read_catalog(library) as catalog:
        every = runs.all_runs(catalog)
        found = next((run for run in reversed(every) if run.kind == runs.PREVIEW and run.summary.keys() >= _KEYS), None)
        if found is None:
            return None
        return LastPreview(
            library=library,
            run=found,
            settings=runs.settings_of(catalog, found.id),
            is_current=not any(
                one.kind == runs.SORT and one.crawl == found.crawl for one in every if one.id > found.id
            ),
        )
