"""The training set of the learner: the labels of the bundle, with annotations applied, and annotated images."""

# Shapes: N pictures to learn from, D embedding width, K categories.

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from classifier.model.head import LinearHead, fit_head
from classifier.model.labeled_embeddings import LabeledEmbeddings
from classifier.records import AnnotationKind, Selection

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from classifier.records import Annotation, PictureId

MIN_LABELS: Final = 3
"""Labels that a new category needs before it is predicted."""
_NEVER: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSet:
    """`labeled` refers to `categories` by index: those of the model first, in its order, then new ones.

    `unjudged` counts randomly drawn labels that have no known category since a person corrected them.
    """

    labeled: LabeledEmbeddings
    categories: tuple[str, ...]
    unjudged: int = 0


def build_training_set(
    labeled: LabeledEmbeddings,
    categories: Sequence[str],
    latest: Mapping[PictureId, Annotation],
    embeddings: Mapping[PictureId, NDArray[np.float32]],
) -> TrainingSet:
    """Apply the `latest` annotations to the labels, and add other images that are annotated with a category.

    A labeled image stays in the set with its corrected category: left out, its mistake would not be counted by whoever
    measures with these labels. `embeddings` are those of annotated images; an image without one is not added.
    """
    labels_now = [
        _label_now(categories[truth], latest.get(picture))
        for picture, truth in zip(labeled.pictures, labeled.targets, strict=True)
    ]
    labels = set(labeled.pictures)
    added = {
        picture: str(verdict.category)
        for picture, verdict in latest.items()
        if verdict.said is AnnotationKind.RIGHT and verdict.category and picture in embeddings and picture not in labels
    }
    named = Counter([*added.values(), *(name for name in labels_now if name)])
    every = (
        *categories,
        *sorted(name for name, count in named.items() if name not in categories and count >= MIN_LABELS),
    )
    numbers = {name: number for number, name in enumerate(every)}
    new = [picture for picture, name in added.items() if name in numbers]
    kept = np.array([name in numbers for name in labels_now], dtype=bool)
    targets = [numbers[name] for name in labels_now if name in numbers]
    first = int(labeled.groups.max(initial=-1)) + 1
    rows = [labeled.embeddings[kept], *([np.stack([embeddings[one] for one in new])] if new else [])]
    return TrainingSet(
        labeled=LabeledEmbeddings(
            embeddings=np.concatenate(rows),
            targets=np.array([*targets, *(numbers[added[one]] for one in new)], dtype=np.int64),
            groups=np.concatenate([labeled.groups[kept], first + np.arange(len(new), dtype=np.int64)]),
            pictures=(*(one for one, keep in zip(labeled.pictures, kept, strict=True) if keep), *new),
            paths=(*(one for one, keep in zip(labeled.paths, kept, strict=True) if keep), *("" for _ in new)),
            selections=(
                *(one for one, keep in zip(labeled.selections, kept, strict=True) if keep),
                *(latest[one].selection or Selection.PERSON for one in new),
            ),
        ),
        categories=every,
        unjudged=sum(one is Selection.RANDOM for one, keep in zip(labeled.selections, kept, strict=True) if not keep),
    )


def fit(learned: TrainingSet) -> LinearHead:
    """Fit a head for all categories; a category without images is never predicted."""
    targets = learned.labeled.targets
    present = np.unique(targets)
    head = fit_head(learned.labeled.embeddings, np.searchsorted(present, targets))
    count, width = len(learned.categories), head.weight.shape[1]
    weight = np.zeros((count, width), dtype=np.float32)
    bias = np.full(count, float(head.bias.min()) - _NEVER, dtype=np.float32)
    weight[present], bias[present] = head.weight, head.bias
    return LinearHead(weight=weight, bias=bias)


def _label_now(label: str, verdict: Annotation | None) -> str | None:
    """The category of a labeled image after its annotation; None if unknown or none."""
    if verdict is None or verdict.said is AnnotationKind.SKIPPED:
        return label
    if verdict.said is AnnotationKind.WRONG:
        return label if verdict.category != label else None
    return verdict.category if verdict.said is AnnotationKind.RIGHT else None
