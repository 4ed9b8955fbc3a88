"""The labeled images nearest to one that waits, by the embeddings in the bundle: an explanation of its prediction."""

# Shapes: N labeled images, D embedding width.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from classifier.catalog import annotation_log, audits
from classifier.catalog.categories import read_aliases
from classifier.errors import ModelError
from classifier.model.bundle_files import EMBEDDINGS, sha256_of
from classifier.model.head import l2_normalize
from classifier.model.labeled_embeddings import load_labeled_embeddings
from classifier.model.manifest import Manifest, load_manifest
from classifier.records import AnnotationKind, ImageId

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from classifier.catalog.connection import Catalog
    from classifier.model.labeled_embeddings import LabeledEmbeddings

SHOWN: Final = 3
_LOOKED_AT: Final = 4 * SHOWN
"""Neighbors whose current annotation is looked up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbor:
    """A labeled image, its current category, and the cosine of embeddings, -1..1."""

    image_id: ImageId
    category: str
    cosine: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabeledIndex:
    """The labeled embeddings of the last bundle.

    `backbone` is the key of embeddings that can be compared. Older bundles have no labels, and so no neighbors.
    """

    backbone: str
    categories: tuple[str, ...] = ()
    labeled: LabeledEmbeddings | None = None
    directions: NDArray[np.float32] | None = None
    """float32 (N, D): the labeled embeddings, each of length 1."""

    def nearest(self, catalog: Catalog, image_id: ImageId, embedding: NDArray[np.float32]) -> list[Neighbor]:
        """The nearest labeled images to an embedding, (D,), the most similar first: one per group of near-duplicates.

        Never the image itself. An annotation of a labeled image overrides its label.
        """
        if self.labeled is None or self.directions is None or self.directions.shape[1] != len(embedding):
            return []
        cosines = self.directions @ l2_normalize(embedding[None])[0]
        rows: dict[int, int] = {}
        for row in np.argsort(-cosines, kind="stable").tolist():
            if len(rows) == _LOOKED_AT:
                break
            if self.labeled.image_ids[row] != image_id:
                rows.setdefault(int(self.labeled.groups[row]), row)
        image_ids = {self.labeled.image_ids[row]: row for row in rows.values()}
        latest, names = annotation_log.latest(catalog, list(image_ids)), read_aliases(catalog)
        found: list[Neighbor] = []
        for one, row in image_ids.items():
            label: str | None = self.categories[self.labeled.targets[row]]
            if (annotation := latest.get(one)) is not None:
                is_denied = annotation.kind is AnnotationKind.NONE or (
                    annotation.kind is AnnotationKind.WRONG and annotation.category == label
                )
                label = None if is_denied else annotation.category if annotation.kind is AnnotationKind.RIGHT else label
            if label is not None:
                found.append(Neighbor(image_id=one, category=names.resolve(label), cosine=float(cosines[row])))
        return found[:SHOWN]


def load_labeled_index(catalog: Catalog) -> LabeledIndex | None:
    """The labels of the last bundle; None when its folder is gone or holds another model."""
    model, folder, _ = audits.last_sort(catalog) or ("", None, {})
    if folder is None:
        return None
    try:
        manifest = load_manifest(folder)
    except ModelError:
        return None
    if manifest.key != model or not (backbone := manifest.backbone_key):
        return None
    labeled = _labeled(folder, manifest)
    if labeled is None or not len(labeled):
        return LabeledIndex(backbone=backbone)
    return LabeledIndex(
        backbone=backbone,
        categories=manifest.categories,
        labeled=labeled,
        directions=l2_normalize(labeled.embeddings),
    )


def _labeled(folder: Path, manifest: Manifest) -> LabeledEmbeddings | None:
    """The labeled images of a bundle, if the file is the one it was written with."""
    path, written = folder / EMBEDDINGS, manifest.labelled_sha256
    try:
        if written and sha256_of(path) != written:
            return None
        return load_labeled_embeddings(path, categories=len(manifest.categories))
    except ModelError:
        return None
