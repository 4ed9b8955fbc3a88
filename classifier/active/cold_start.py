"""The cold-start learner: fits a head to annotations alone, with no bundle, once two categories have a few images.

It runs one round at a time in the process beside the page; the clusters stay those of the sample.
"""

# Shapes: N pictures of the sample, D embedding width, K categories.
# Shapes: N pictures, R width, K categories.

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import numpy as np

from classifier.active.clusters import reduced_directions
from classifier.active.encoder import load_embeddings
from classifier.active.pipeline import KIND
from classifier.catalog import annotation_log, ranking, runs
from classifier.catalog.connection import read_catalog
from classifier.catalog.predictions import logits_as_bytes
from classifier.catalog.ranking import Rank, read_positions
from classifier.errors import LibraryError
from classifier.model.calibration import mask_ruled_out, most_likely, probabilities
from classifier.model.head import fit_head
from classifier.records import Action, AnnotationKind

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from classifier.records import Annotation, PictureId


_REVIEW: Final = Action.REVIEW.value
MIN_LABELS: Final = 5
"""Labels that a category needs before it is predicted."""


class ColdStartLearner:
    """Learns from the annotations of one library, without a bundle."""

    def __init__(self, library: Path) -> None:
        """Raises LibraryError when no sample was drawn into `library`."""
        self._library = library
        with read_catalog(library) as catalog:
            backbone = runs.last_settings(catalog, KIND).get("backbone")
            if backbone is None:
                raise LibraryError(
                    "{library}: holds no sample of a crawl: draw one with illsort label", library=library
                )
            self._embeddings = load_embeddings(catalog, library, backbone=backbone, wanted=read_positions(catalog))
        self._directions = reduced_directions(self._embeddings.embeddings)

    def learn(self) -> int:
        """Run one round. Returns the number of the new ranking, 0 with fewer than two categories."""
        with read_catalog(self._library) as catalog:
            log = list(annotation_log.of_pictures(catalog))
            latest = annotation_log.exclude_moved(catalog, annotation_log.current(log))
            known = read_positions(catalog)
        rows, names = self._labeled_rows(latest)
        categories = tuple(sorted(set(names)))
        if len(categories) < 2:  # noqa: PLR2004 - one alone is nothing to tell apart
            return 0
        targets = np.array([categories.index(name) for name in names])
        logits = fit_head(self._embeddings.embeddings[rows], targets)(self._embeddings.embeddings)
        probs = mask_ruled_out(
            probabilities(logits, 1.0), self._embeddings.pictures, categories, annotation_log.ruled_out(log)
        )
        is_known = has_labeled_neighbors(
            self._directions, labeled_rows=np.array(rows), targets=targets, best=probs.argmax(axis=1)
        )
        kept, (best, sure) = logits_as_bytes(logits), most_likely(probs, categories)
        ranks = [
            Rank(place, picture, _REVIEW, best[row], float(sure[row]), look, kept[row])
            if is_known[row]
            else Rank(place, picture, _REVIEW, "", 0.0, look, None)
            for row, picture in enumerate(self._embeddings.pictures)
            if picture in known
            for place, look in [known[picture]]
        ]
        # How many wait is counted by the page: what is filed is ranked here too.
        meta = {"categories": categories, "temperature": 1.0, "verdicts": len(latest)}
        return ranking.write(self._library, sorted(ranks), meta=meta)

    def _labeled_rows(self, latest: dict[PictureId, Annotation]) -> tuple[list[int], list[str]]:
        """The rows to fit to and their categories, for categories with enough labels."""
        named = [
            (row, verdict.category)
            for row, picture in enumerate(self._embeddings.pictures)
            if (verdict := latest.get(picture)) is not None
            and verdict.said is AnnotationKind.RIGHT
            and verdict.category
        ]
        counts = Counter(name for _, name in named)
        enough = [(row, name) for row, name in named if counts[name] >= MIN_LABELS]
        return [row for row, _ in enough], [name for _, name in enough]


_NEIGHBORS: Final = 20
"""Neighbors per image: a tenth of all images, at most this many and at least a quarter of it."""
_NAMED: Final = 4
"""How many of them must have the predicted category; measured: docs/LOG.md."""
_CHUNK: Final = 512


def has_labeled_neighbors(
    directions_NR: NDArray[np.float64],
    *,
    labeled_rows: NDArray[np.int64],
    targets: NDArray[np.int64],
    best: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Whether enough of each image's nearest neighbors are labeled with its `best` category, (N,).

    A head fitted to two categories assigns every image to one of them, so its prediction counts only where labeled
    images of that category are near.

    `labeled_rows` are row numbers and `targets` their categories; `best` (N,) are categories. At least two images.
    """
    named = np.full(len(directions_NR), -1)
    named[labeled_rows] = targets
    count = min(len(named) - 1, max(_NEIGHBORS // 4, min(_NEIGHBORS, len(named) // 10)))
    found = np.zeros(len(named), dtype=bool)
    for start in range(0, len(named), _CHUNK):
        part = slice(start, start + _CHUNK)
        cosines = directions_NR[part] @ directions_NR.T
        rows = np.arange(len(cosines))
        cosines[rows, start + rows] = -np.inf  # each is nearest to itself
        nearest = np.argpartition(-cosines, count - 1, axis=1)[:, :count]
        found[part] = (named[nearest] == best[part, None]).sum(axis=1) >= _NAMED
    return found
