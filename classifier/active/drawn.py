"""Images drawn by chance among those that a library has answers about: evidence that steers no question."""

# Shapes: N images.

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from classifier.catalog.by_chance import asked_by_chance
from classifier.labels.random_draw import draws_of
from classifier.model.holdout import NO_CATEGORY
from classifier.model.labeled_embeddings import LabeledEmbeddings
from classifier.records import Selection

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from classifier.active.training_set import Row, TrainingSet
    from classifier.catalog.connection import Catalog
    from classifier.records import Annotation, ImageId


def drawn_sample(catalog: Catalog, library: Path, labels: LabeledEmbeddings | None) -> frozenset[ImageId]:
    """The images of a library that are a simple random sample; `labels` are the model's, None without a model.

    Without one nothing is filed by what the page learns, so nothing has to be measured.
    """
    if labels is None:
        return frozenset()
    draws = draws_of(catalog, library)
    return frozenset(one for draw in draws for one in draw.sample(draw.named.union(labels.image_ids)))


def with_drawn(
    training_set: TrainingSet, labels: LabeledEmbeddings, drawn: AbstractSet[ImageId], rows: Mapping[ImageId, Row]
) -> TrainingSet:
    """With the images in `drawn` as a simple random sample, however each came to its answer.

    `labels` are those of the model; what the backbone was fitted to is no part of the sample. `rows` are those of its
    images too.
    """
    labeled = training_set.labeled
    how = dict(zip(labels.image_ids, labels.selections, strict=True))
    sample = {one for one in drawn if how.get(one) is not Selection.FITTED}
    unknown = sorted(sample - set(labeled.image_ids))
    counted = sum(how.get(one) is Selection.RANDOM for one in unknown)
    selections = zip(labeled.image_ids, labeled.selections, labeled.paths, strict=True)
    return replace(
        training_set,
        labeled=replace(
            labeled,
            selections=tuple(
                Selection.RANDOM if one in sample else _outside(selection, path) for one, selection, path in selections
            ),
        ),
        strangers=_strangers([one for one in unknown if one in rows], rows),
        unjudged=training_set.unjudged - counted + sum(one not in rows for one in unknown),
    )


def _outside(selection: Selection, path: str) -> Selection:
    """How an image outside of the sample counts, which may end before what it had at the last refit."""
    return Selection.CHANCE if selection is Selection.RANDOM and not path else selection


def _strangers(image_ids: Sequence[ImageId], rows: Mapping[ImageId, Row]) -> LabeledEmbeddings | None:
    if not image_ids:
        return None
    return LabeledEmbeddings(
        embeddings=np.stack([rows[one][0] for one in image_ids]),
        stats=np.stack([rows[one][1] for one in image_ids]),
        targets=np.full(len(image_ids), NO_CATEGORY, dtype=np.int64),
        groups=np.arange(len(image_ids), dtype=np.int64),
        image_ids=tuple(image_ids),
        paths=("",) * len(image_ids),
        selections=(Selection.RANDOM,) * len(image_ids),
    )


def without_drawn(latest: Mapping[ImageId, Annotation]) -> dict[ImageId, Annotation]:
    """What steers the questions: all answers but those about images drawn by chance.

    Else what is like a drawn image would be asked about by its answer, and so it would be predicted better than any
    other image of the crawl, although it is held out: docs/LOG.md.
    """
    return {image_id: one for image_id, one in latest.items() if one.selection is not Selection.CHANCE}


def labels_without_drawn(catalog: Catalog, labels: LabeledEmbeddings) -> LabeledEmbeddings:
    """What steers the questions of a model's `labels`: a model that was refitted here has the answers among them too.

    They have no path. Those of a labels folder stay: the model was trained on them.
    """
    asked = asked_by_chance(catalog)
    pairs = zip(labels.image_ids, labels.paths, strict=True)
    return labels.rows([bool(path) or image_id not in asked for image_id, path in pairs])
