"""The OOD detector of a model after the answers of its library that the model does not have yet."""

# Shapes: D embedding width, T statistics.

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from classifier.catalog.shards import read_embeddings
from classifier.model.ood_answers import Answered, learn_from_answers
from classifier.records import AnnotationKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from classifier.catalog.connection import Catalog
    from classifier.model.bundle import Bundle
    from classifier.model.labeled_embeddings import LabeledEmbeddings
    from classifier.model.ood import OodDetector
    from classifier.records import Annotation, ImageId


def detector_after_answers(
    catalog: Catalog,
    folder: Path,
    bundle: Bundle,
    *,
    labeled: LabeledEmbeddings,
    before: AbstractSet[ImageId],
    latest: Mapping[ImageId, Annotation],
    share: float,
) -> OodDetector | None:
    """The detector of the bundle after the `latest` annotations; None in older bundles.

    `labeled` are all labels as they are now, `before` those that the bundle has. `folder` holds the embeddings.
    `share` is that of the threshold in use.
    """
    known = bundle.load_ood()
    if known is None:
        return None
    is_old = np.array([image_id in before for image_id in labeled.image_ids], dtype=bool)
    answered = partial(
        _answered,
        catalog,
        folder,
        backbone=bundle.manifest.backbone_key,
        widths=(labeled.embeddings.shape[1], len(known.whitening)),
    )
    return learn_from_answers(
        known,
        labeled.embeddings[is_old],
        of_a_category=answered([image_id for image_id in labeled.image_ids if image_id not in before]),
        of_none=answered([image_id for image_id, one in latest.items() if one.kind is AnnotationKind.NONE]),
        share=share,
    )


def _answered(
    catalog: Catalog, folder: Path, image_ids: Sequence[ImageId], *, backbone: str, widths: tuple[int, int]
) -> Answered:
    """Those whose embeddings of these widths, D and T, are kept."""
    parts = list(read_embeddings(catalog, folder, image_ids, backbone=backbone, widths=widths))
    nothing = [np.empty((0, width), np.float32) for width in widths]
    return Answered(
        embeddings=np.concatenate([nothing[0], *(part.embeddings for part in parts)]),
        stats=np.concatenate([nothing[1], *(part.stats for part in parts)]),
    )
