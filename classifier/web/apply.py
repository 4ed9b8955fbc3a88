"""Files what a person decided: by the engine, as one run that can be undone, or not at all while a sort is at work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.catalog import annotation_log, audits, decisions, runs
from classifier.catalog.ranking import attach_newest
from classifier.filing.open_library import opened
from classifier.filing.refile import Refiled, rearrange
from classifier.progress import Progress, SilentProgress
from classifier.web.history import spoken_of
from classifier.web.pending_moves import pending, strayed
from classifier.web.queue import of_pictures
from classifier.web.suggestions import read_guesses

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.catalog.connection import Catalog

KIND = "review"


def file_decided(library: Path, *, progress: Progress | None = None) -> Refiled | None:
    """Bring every picture where the person's words put it; None when all are there.

    Raises LibraryError while another process files there: nothing is lost, for a sort heeds what was said. Raises
    FilingStopped when the disk refuses; what is left is filed the next time.
    """
    progress = progress or SilentProgress()
    with opened(library, progress) as catalog:
        attach_newest(catalog)
        said = dict.fromkeys(spoken_of(catalog))
        guesses = read_guesses(catalog)
        rows = of_pictures(catalog, list(said), model=guesses.model)
        decided = [one for one in strayed(catalog, guesses) if one.picture not in said]
        decided += pending(rows, annotation_log.latest(catalog, list(said)), guesses)
        if not decided:
            return None
        with catalog.transaction():
            run = _begin(catalog, library)
            decisions.save(catalog, decided, run=run)
        made = rearrange(catalog, library, decided, run=run, progress=progress)
        runs.finish(catalog, run, {"pictures": made.moved, "failed": len(made.left)})
        return made


def _begin(catalog: Catalog, library: Path) -> int:
    model, bundle, _ = audits.last_sort(catalog) or ("", library, {})
    return runs.begin(catalog, kind=KIND, crawl=library.resolve(), mode="", model=model, bundle=bundle, settings={})
