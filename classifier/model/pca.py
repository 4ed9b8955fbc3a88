"""Embeddings in few directions: standardized as for a head, then those of largest variance."""

# Shapes: N images, D embedding width, S directions.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from classifier.model.head import feature_scale

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Projection:
    """short = embeddings @ axes - offset; `axes` is float32 (D, S), `offset` float32 (S,)."""

    axes: NDArray[np.float32]
    offset: NDArray[np.float32]

    def __call__(self, embeddings_ND: NDArray[np.float32]) -> NDArray[np.float32]:
        """Short vectors, float32 (N, S)."""
        return embeddings_ND @ self.axes - self.offset


def fit_pca(embeddings_ND: NDArray[np.float32], *, width: int = 256) -> Projection:
    """The at most `width` directions of largest variance, standardized for these embeddings.

    The penalty of a head is the same in any rotation, so directions without variance only cost time.
    """
    if not len(embeddings_ND):
        none = np.zeros((embeddings_ND.shape[1], min(width, embeddings_ND.shape[1])), dtype=np.float32)
        return Projection(axes=none, offset=none.sum(axis=0))
    embeddings = embeddings_ND.astype(np.float64)
    mean, scale = embeddings.mean(axis=0), feature_scale(embeddings)
    standard = (embeddings - mean) / scale
    _, directions = np.linalg.eigh(standard.T @ standard)
    axes = directions[:, -width:] / scale[:, None]
    return Projection(axes=axes.astype(np.float32), offset=(mean @ axes).astype(np.float32))
