"""The last preview of a library as it is kept in the catalog: its run, its numbers, and the sort that would follow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from classifier.catalog import runs
from classifier.catalog.connection import read_catalog
from classifier.catalog.runs import Run
from classifier.paths import command
from classifier.records import Mode

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
        """How many images a setting decides about: readable ones, each once."""
        return sum(row["filed"] + row["review"] + row["unknown"] for row in self.numbers["table"])

    def sort_command(self, threshold: float | None = None) -> str:
        """The command that files the images as planned, or at another threshold, without the options of the machine."""
        asked = self.run.strictness
        words: list[object] = ["sort", self.run.crawl, "--out", self.library, "--model", self.run.bundle]
        if self.run.mode != Mode.LINK:
            words += ["--mode", self.run.mode]
        if threshold is not None:
            words += ["--threshold", f"{threshold:g}"]
        elif asked.max_error is not None:
            words += ["--max-error", f"{asked.max_error:g}"]
        for pattern in self.settings.get("images", {}).get("exclude", ()):
            words += ["--exclude", pattern]
        return command(*words)


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
