"""Pseudo-labels: a sample of the unlabeled crawl, and the predictions on it that training uses.

Self-training makes the network overconfident, so only the most confident predictions of each category are used, with
soft targets.
"""

# Shapes: M images of the crawl, G of them guessed, K categories.

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from classifier.errors import Message
from classifier.exclude import NOTHING, Exclude
from classifier.images.hashing import sample_by_hash
from classifier.images.walk import find_images
from classifier.images.walk_result import WalkResult
from classifier.inference.loader import stream
from classifier.inference.reader import NoPixels, Read, Reader
from classifier.records import ImageId, Label
from classifier.training.dataset import example_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classifier.inference.worker_pool import WorkerPool
    from classifier.progress import Progress
    from classifier.records import Example

_PER_LABEL: Final = 12
_LEAST: Final = 1_000
_MOST: Final = 4_000
_BATCH: Final = 8


def sample_size(num_labels: int) -> int:
    """How many images of the crawl are looked at: a dozen for each label, at least 1,000 and at most 4,000."""
    return min(_MOST, max(_LEAST, _PER_LABEL * num_labels))


def sample(
    crawl: Path, *, count: int, seed: int, labels: Path | None = None, exclude: Exclude = NOTHING
) -> tuple[list[Path], WalkResult]:
    """`count` images of `crawl` drawn by their names, and what was found there; nothing of the folder `labels`.

    Raises OSError when `crawl` cannot be listed.
    """
    found = WalkResult()
    files = find_images(crawl, skip=[] if labels is None else [labels], exclude=exclude, found=found)
    drawn = sample_by_hash(files, root=crawl, count=count, seed=seed)
    return sorted(file.path for file in drawn), found


def read_sample(
    paths: list[Path],
    *,
    without: frozenset[ImageId],
    max_megapixels: float,
    pool: WorkerPool,
    progress: Progress,
) -> tuple[Example, ...]:
    """The images among `paths` that can be read, each content once, and none of `without` (the labeled ones).

    They carry no category. What cannot be read, or only in part, is left out: the sort will list it.
    """
    examples: dict[ImageId, Example] = {}
    reader = Reader(transform=NoPixels(), max_megapixels=max_megapixels, looks=True)
    with progress.stage(Message("looking at the crawl"), total=len(paths), unit="picture") as stage:
        for batch in stream(paths, reader, pool, batch_size=_BATCH):
            for key, result in zip(batch.keys, batch.results, strict=True):
                stage.advance()
                if isinstance(result, Read) and not result.image.truncated and result.image.id not in without:
                    label = Label(path=paths[key], category="")
                    examples.setdefault(result.image.id, example_of(label, result.image))
    return tuple(examples.values())


_HARD: Final = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class PseudoLabels:
    """Images of the crawl and what is to be learned of each: `targets` float (G, K), rows that sum to 1."""

    examples: tuple[Example, ...]
    targets: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.examples)


def select_confident(probabilities_MK: NDArray[np.float64], *, share: float) -> NDArray[np.int64]:
    """The rows of the most confident `share` of each category as guessed, in rising order.

    By category, for one threshold would take all of the easy categories and none of the hard ones.
    """
    guesses, confidences = probabilities_MK.argmax(axis=1), probabilities_MK.max(axis=1)
    chosen: list[int] = []
    for category in range(probabilities_MK.shape[1]):
        rows = np.flatnonzero(guesses == category)
        order = rows[np.argsort(-confidences[rows], kind="stable")]
        chosen += order[: round(share * len(rows))].tolist()
    return np.array(sorted(chosen), dtype=np.int64)


def soft_targets(probabilities_GK: NDArray[np.float64]) -> NDArray[np.float64]:
    """The guess as shares: mostly the probabilities, sharpened by squaring, and a fifth on the best alone."""
    sharp = probabilities_GK**2
    sharp /= sharp.sum(axis=1, keepdims=True)
    best = np.eye(probabilities_GK.shape[1])[probabilities_GK.argmax(axis=1)]
    targets: NDArray[np.float64] = (1 - _HARD) * sharp + _HARD * best
    return targets
