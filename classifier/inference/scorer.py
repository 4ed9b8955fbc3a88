"""What a bundle makes of the network's outputs: logits by its head, and how unlike all labeled images an image is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from classifier.errors import ModelError
from classifier.inference.pipeline import Inferred
from classifier.model.ood import OodDetector

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from classifier.model.bundle import Bundle
    from classifier.model.combined_head import CombinedHead

Score: TypeAlias = "tuple[NDArray[np.float32], float | None]"
"""The logits of an image, and its OOD score if the bundle has a detector."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorer:
    """The head and the detector of the bundle in `folder`, those that it has."""

    folder: Path
    detector: OodDetector | None
    head: CombinedHead | None

    @property
    def needs_stats(self) -> bool:
        """Whether the network must give statistics too."""
        return self.detector is not None or self.head is not None

    def scores(self, inferred: Sequence[Inferred]) -> dict[int, Score]:
        """The scores by key. Their last bits may depend on which images are scored together."""
        logits = [result.logits for result in inferred]
        ood_scores: list[float | None] = [None] * len(inferred)
        if inferred and self.needs_stats:
            stats = np.stack([result.stats for result in inferred if result.stats is not None])
            embeddings = np.stack([result.embedding for result in inferred])
            if self.head is not None:
                self._check(embeddings, stats)
                logits = list(self.head(embeddings, stats))
            if self.detector is not None:
                ood_scores = self.detector.score(stats, embeddings).tolist()
        keys = (result.key for result in inferred)
        return dict(zip(keys, zip(logits, ood_scores, strict=True), strict=True))

    def _check(self, *rows: NDArray[np.float32]) -> None:
        """Another version of timm may give other statistics of the same network."""
        found, wanted = tuple(part.shape[1] for part in rows), self.head.widths if self.head else ()
        if found != wanted:
            raise ModelError(
                "{folder}: its head takes {wanted} numbers of a picture, its network gives {found}; train again",
                folder=self.folder,
                wanted=sum(wanted),
                found=sum(found),
            )


def scorer_of(bundle: Bundle) -> Scorer:
    """The scorer of a bundle. Raises ModelError in one line where its head or detector is damaged."""
    return Scorer(folder=bundle.folder, detector=bundle.load_ood(), head=bundle.load_combined_head())
