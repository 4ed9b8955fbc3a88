"""What a person's answers teach the OOD detector at once.

Images of a category are points more to be near to. Where those that are still far are not outnumbered by images of no
category, the highest scores of labeled images are raised, so that the threshold lies above them; the limit of what is
reviewed stays. Counted as labels like any other, they would raise it far more than they should: they were picked for
being far (docs/LOG.md).
"""

# Shapes: N labeled images, A answered ones, D embedding width, T statistics.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classifier.model.ood import OodDetector

_PARTS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answered:
    """Images of one kind of answer: embeddings float32 (A, D) and statistics float32 (A, T)."""

    embeddings: NDArray[np.float32]
    stats: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.embeddings)

    def rows(self, kept: NDArray[np.bool_]) -> Answered:
        """Some of them."""
        return Answered(embeddings=self.embeddings[kept], stats=self.stats[kept])


def learn_from_answers(
    known: OodDetector,
    embeddings_ND: NDArray[np.float32],
    *,
    of_a_category: Answered,
    of_none: Answered,
    share: float,
) -> OodDetector:
    """The detector after answers; `embeddings_ND` are those of the images that it was fitted to.

    `share` is that of the threshold in use; with 0 it is left alone.
    """
    learned = _with_points(known, embeddings_ND, of_a_category)
    if not share:
        return learned
    threshold = learned.threshold(share)
    far = _scores_held_out(known, embeddings_ND, of_a_category, share=share)
    none = learned.score(of_none.stats, of_none.embeddings)
    least = _least_threshold(far[far >= threshold], none[none >= threshold])
    return learned if least is None else learned.with_least_threshold(share, least)


def _with_points(known: OodDetector, embeddings_ND: NDArray[np.float32], new: Answered) -> OodDetector:
    return known.with_more(new.stats, np.concatenate([embeddings_ND, new.embeddings])) if len(new) else known


def _scores_held_out(
    known: OodDetector, embeddings_ND: NDArray[np.float32], new: Answered, *, share: float
) -> NDArray[np.float32]:
    """The scores of those that were unknown, each by a detector that has only the other parts as points."""
    was_unknown = known.score(new.stats, new.embeddings) >= known.threshold(share)
    parts = np.arange(len(new)) % _PARTS
    scores = [np.empty(0, dtype=np.float32)]
    for part in np.unique(parts[was_unknown]):
        held_out = new.rows(was_unknown & (parts == part))
        detector = _with_points(known, embeddings_ND, new.rows(parts != part))
        scores.append(detector.score(held_out.stats, held_out.embeddings))
    return np.concatenate(scores)


def _least_threshold(far: NDArray[np.float32], none: NDArray[np.float32]) -> np.float32 | None:
    """The least score above which images of a category do not outnumber those of none; None if they never do."""
    if len(far) <= len(none):
        return None
    ranked = np.sort(far)
    above = len(ranked) - np.searchsorted(ranked, ranked, side="right")
    return np.float32(ranked[np.argmax(above <= [(none > score).sum() for score in ranked])])
