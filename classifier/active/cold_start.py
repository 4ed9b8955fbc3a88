"""A head from nothing but a person's words: once two categories have a few pictures, the others are guessed at.

One round at a time, for a process that learns beside the page; which look alike stays as it was found at first.
"""

# Shapes: N pictures of the sample, D embedding width, K categories.

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import numpy as np

from classifier.active.knn_filter import directions, familiar
from classifier.active.load_embeddings import seen
from classifier.active.pipeline import KIND
from classifier.catalog import annotation_log, ranking, runs
from classifier.catalog.connection import read_catalog
from classifier.catalog.predictions import logits_as_bytes
from classifier.catalog.ranking import Rank, attach_newest
from classifier.errors import LibraryError
from classifier.model.calibration import likeliest, possible, probabilities
from classifier.model.head import fit_head
from classifier.records import Action, AnnotationKind

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.catalog.connection import Catalog
    from classifier.records import Annotation, PictureId

_TRAY: Final = Action.REVIEW.value
ENOUGH: Final = 5
"""Pictures that a category needs before it is guessed at."""


class ColdStartLearner:
    """Learns from the words that were said in one library of labels, and from nothing else."""

    def __init__(self, library: Path) -> None:
        """Raises LibraryError when no sample was drawn into `library`."""
        self._library = library
        with read_catalog(library) as catalog:
            backbone = runs.last_settings(catalog, KIND).get("backbone")
            if backbone is None:
                raise LibraryError(f"{library}: holds no sample of a crawl: draw one with illsort label")
            self._seen = seen(catalog, library, backbone=backbone, wanted=_looks(catalog))
        self._directions = directions(self._seen.embeddings)

    def learn(self) -> int:
        """One round; the number of the outlook that was written, 0 while less than two categories have enough."""
        with read_catalog(self._library) as catalog:
            words = list(annotation_log.of_pictures(catalog))
            said = annotation_log.unmoved(catalog, annotation_log.holding(words))
            known = _looks(catalog)
        rows, names = self._taught(said)
        categories = tuple(sorted(set(names)))
        if len(categories) < 2:  # noqa: PLR2004 - one alone is nothing to tell apart
            return 0
        truths = np.array([categories.index(name) for name in names])
        logits = fit_head(self._seen.embeddings[rows], truths)(self._seen.embeddings)
        shares = possible(probabilities(logits, 1.0), self._seen.pictures, categories, annotation_log.ruled_out(words))
        is_known = familiar(self._directions, taught=np.array(rows), truths=truths, best=shares.argmax(axis=1))
        kept, (best, sure) = logits_as_bytes(logits), likeliest(shares, categories)
        ranks = [
            Rank(place, picture, _TRAY, best[row], float(sure[row]), look, kept[row])
            if is_known[row]
            else Rank(place, picture, _TRAY, "", 0.0, look, None)
            for row, picture in enumerate(self._seen.pictures)
            if picture in known
            for place, look in [known[picture]]
        ]
        # How many wait is counted by the page: what is filed is ranked here too.
        meta = {"categories": categories, "temperature": 1.0, "verdicts": len(said)}
        return ranking.write(self._library, sorted(ranks), meta=meta)

    def _taught(self, said: dict[PictureId, Annotation]) -> tuple[list[int], list[str]]:
        """The rows to learn from and what they are, of categories that have enough."""
        named = [
            (row, verdict.category)
            for row, picture in enumerate(self._seen.pictures)
            if (verdict := said.get(picture)) is not None and verdict.said is AnnotationKind.RIGHT and verdict.category
        ]
        counts = Counter(name for _, name in named)
        enough = [(row, name) for row, name in named if counts[name] >= ENOUGH]
        return [row for row, _ in enough], [name for _, name in enough]


def _looks(catalog: Catalog) -> dict[PictureId, tuple[int, int]]:
    """Place and cluster of each picture, as the newest outlook has them."""
    attach_newest(catalog)
    rows = catalog.connection.execute("SELECT picture, place, look FROM outlook.ranks").fetchall()
    return {picture: (place, look) for picture, place, look in rows}
