"""What there is to learn from: the labels that the model was made of, and what a person said since. Pure."""

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

ENOUGH: Final = 3
"""Pictures that a new category needs before it is guessed at."""
_NEVER: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSet:
    """`labelled` by the numbers of `categories`: those of the model first, in its order, then new ones.

    So many `unjudged` labels were drawn by chance and are of no known category since a person judged them again.
    """

    labelled: LabeledEmbeddings
    categories: tuple[str, ...]
    unjudged: int = 0


def lessons(
    labelled: LabeledEmbeddings,
    categories: Sequence[str],
    said: Mapping[PictureId, Annotation],
    embeddings: Mapping[PictureId, NDArray[np.float32]],
) -> TrainingSet:
    """The labels as a person's words, `said` as they hold, leave them, and other pictures that were said to be right.

    A labelled picture stays what it was, only of another category where that was said: whoever judges by the labels
    judges by it too, for left out it would be a mistake that is not counted. `embeddings` are of pictures that words
    were said of; without one, a word about another picture teaches nothing.
    """
    now = [
        _now(categories[truth], said.get(picture))
        for picture, truth in zip(labelled.pictures, labelled.truths, strict=True)
    ]
    labels = set(labelled.pictures)
    taught = {
        picture: str(verdict.category)
        for picture, verdict in said.items()
        if verdict.said is AnnotationKind.RIGHT and verdict.category and picture in embeddings and picture not in labels
    }
    named = Counter([*taught.values(), *(name for name in now if name)])
    every = (*categories, *sorted(name for name, count in named.items() if name not in categories and count >= ENOUGH))
    numbers = {name: number for number, name in enumerate(every)}
    new = [picture for picture, name in taught.items() if name in numbers]
    kept = np.array([name in numbers for name in now], dtype=bool)
    truths = [numbers[name] for name in now if name in numbers]
    first = int(labelled.groups.max(initial=-1)) + 1
    rows = [labelled.embeddings[kept], *([np.stack([embeddings[one] for one in new])] if new else [])]
    return TrainingSet(
        labelled=LabeledEmbeddings(
            embeddings=np.concatenate(rows),
            truths=np.array([*truths, *(numbers[taught[one]] for one in new)], dtype=np.int64),
            groups=np.concatenate([labelled.groups[kept], first + np.arange(len(new), dtype=np.int64)]),
            pictures=(*(one for one, keep in zip(labelled.pictures, kept, strict=True) if keep), *new),
            paths=(*(one for one, keep in zip(labelled.paths, kept, strict=True) if keep), *("" for _ in new)),
            selections=(
                *(one for one, keep in zip(labelled.selections, kept, strict=True) if keep),
                *(said[one].selection or Selection.PERSON for one in new),
            ),
        ),
        categories=every,
        unjudged=sum(one is Selection.RANDOM for one, keep in zip(labelled.selections, kept, strict=True) if not keep),
    )


def fit(learned: TrainingSet) -> LinearHead:
    """A head for all categories; one of which no picture is left is never guessed."""
    truths = learned.labelled.truths
    present = np.unique(truths)
    head = fit_head(learned.labelled.embeddings, np.searchsorted(present, truths))
    count, width = len(learned.categories), head.weight.shape[1]
    weight = np.zeros((count, width), dtype=np.float32)
    bias = np.full(count, float(head.bias.min()) - _NEVER, dtype=np.float32)
    weight[present], bias[present] = head.weight, head.bias
    return LinearHead(weight=weight, bias=bias)


def _now(label: str, verdict: Annotation | None) -> str | None:
    """What a labelled picture is of after what was said of it; None where that is not known, or nothing."""
    if verdict is None or verdict.said is AnnotationKind.SKIPPED:
        return label
    if verdict.said is AnnotationKind.WRONG:
        return label if verdict.category != label else None
    return verdict.category if verdict.said is AnnotationKind.RIGHT else None
