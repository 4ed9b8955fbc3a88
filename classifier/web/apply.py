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

    from classifier.catalog.connection import Catalogue

KIND = "review"


def file_decided(library: Path, *, progress: Progress | None = None) -> Refiled | None:
    """Bring every picture where the person's words put it; None when all are there.

    Raises LibraryError while another process files there: nothing is lost, for a sort heeds what was said. Raises
    FilingStopped when the disk refuses; what is left is filed the next time.
    """
    progress = progress or SilentProgress()
    with opened(library, progress) as catalogue:
        attach_newest(catalogue)
        said = dict.fromkeys(spoken_of(catalogue))
        guesses = read_guesses(catalogue)
        rows = of_pictures(catalogue, list(said), model=guesses.model)
        decided = [one for one in strayed(catalogue, guesses) if one.picture not in said]
        decided += pending(rows, annotation_log.latest(catalogue, list(said)), guesses)
        if not decided:
            return None
        with catalogue.transaction():
            run = _begin(catalogue, library)
            decisions.save(catalogue, decided, run=run)
        made = rearrange(catalogue, library, decided, run=run, progress=progress)
        runs.finish(catalogue, run, {"pictures": made.moved, "failed": len(made.left)})
        return made


def _begin(catalogue: Catalogue, library: Path) -> int:
    model, bundle, _ = audits.last_sort(catalogue) or ("", library, {})
    return runs.begin(catalogue, kind=KIND, crawl=library.resolve(), mode="", model=model, bundle=bundle, settings={})
