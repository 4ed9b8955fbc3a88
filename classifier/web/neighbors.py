"""The labeled images nearest to another, by the embeddings in the bundle.

They explain the prediction of an image that waits, and show with what a doubtful label is to be compared. Those that
lie in the library are found like any other image of it.
"""

# Shapes: N labeled images, D embedding width.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from classifier.catalog import annotation_log, audits
from classifier.catalog.categories import read_aliases
from classifier.catalog.manual_moves import repeats_label
from classifier.errors import ModelError
from classifier.model.bundle_files import EMBEDDINGS, sha256_of
from classifier.model.head import l2_normalize
from classifier.model.labeled_embeddings import load_labeled_embeddings
from classifier.model.manifest import Manifest, load_manifest
from classifier.records import AnnotationKind, ImageId

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from numpy.typing import NDArray

    from classifier.catalog.connection import Catalog
    from classifier.model.labeled_embeddings import LabeledEmbeddings

SHOWN: Final = 3
_LOOKED_AT: Final = 4 * SHOWN
"""Neighbors whose current annotation is looked up."""
_PART: Final = 500
"""Labels whose current annotations are looked up at once."""


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
        return list(self._as_labeled(catalog, list(rows.values()), cosines))[:SHOWN]

    def nearest_of(
        self, catalog: Catalog, image_id: ImageId, categories: Sequence[str], *, doubted: AbstractSet[ImageId]
    ) -> dict[str, list[Neighbor]]:
        """For a labeled image, the nearest labeled images of each of these categories, by their current names.

        A label in `doubted` shows nothing about another, unless a person confirmed or corrected it. Near-duplicates of
        the image count: under another label they are what tells most.
        """
        found: dict[str, dict[int, Neighbor]] = {category: {} for category in categories}
        if self.labeled is None or self.directions is None or image_id not in self.labeled.image_ids:
            return {category: [] for category in categories}
        cosines = self.directions @ self.directions[self.labeled.image_ids.index(image_id)]
        groups = dict(zip(self.labeled.image_ids, self.labeled.groups.tolist(), strict=True))
        rows = np.argsort(-cosines, kind="stable").tolist()
        for start in range(0, len(rows), _PART):
            for one in self._as_labeled(catalog, rows[start : start + _PART], cosines, doubted=doubted):
                if one.image_id != image_id and one.category in found:
                    found[one.category].setdefault(groups[one.image_id], one)
            if all(len(of_category) >= SHOWN for of_category in found.values()):
                break
        return {category: list(of_category.values())[:SHOWN] for category, of_category in found.items()}

    def direction_of(self, image_id: ImageId) -> NDArray[np.float32] | None:
        """The embedding of a labeled image, of length 1; None if it is none."""
        if self.labeled is None or self.directions is None or image_id not in self.labeled.image_ids:
            return None
        found: NDArray[np.float32] = self.directions[self.labeled.image_ids.index(image_id)]
        return found

    def cosines(self, embedding: NDArray[np.float32], *, most: int) -> dict[ImageId, float]:
        """The cosine of the nearest labeled images with an embedding, (D,), in no order; empty for another width."""
        if self.labeled is None or self.directions is None or self.directions.shape[1] != len(embedding):
            return {}
        cosines = self.directions @ l2_normalize(embedding[None])[0]
        first = max(0, len(cosines) - most)
        nearest = np.argpartition(cosines, first)[first:] if first else np.arange(len(cosines))
        return {self.labeled.image_ids[row]: float(cosines[row]) for row in nearest.tolist()}

    def _as_labeled(
        self,
        catalog: Catalog,
        rows: Sequence[int],
        cosines: NDArray[np.float32],
        *,
        doubted: AbstractSet[ImageId] = frozenset(),
    ) -> Iterator[Neighbor]:
        """The images of these rows by their current labels, without those that have none or only one in `doubted`."""
        labeled = self.labeled
        if labeled is None:
            return
        image_ids = {labeled.image_ids[row]: row for row in rows}
        latest, names = annotation_log.latest(catalog, list(image_ids)), read_aliases(catalog)
        for one, row in image_ids.items():
            label: str | None = self.categories[labeled.targets[row]]
            is_doubted = one in doubted
            if (annotation := latest.get(one)) is not None:
                is_confirmed = annotation.kind is AnnotationKind.RIGHT
                is_doubted &= not is_confirmed or repeats_label(annotation, self.categories[labeled.targets[row]])
                is_denied = annotation.kind is AnnotationKind.NONE or (
                    annotation.kind is AnnotationKind.WRONG and annotation.category == label
                )
                label = None if is_denied else annotation.category if annotation.kind is AnnotationKind.RIGHT else label
            if label is not None and not is_doubted:
                yield Neighbor(image_id=one, category=names.resolve(label), cosine=float(cosines[row]))


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
