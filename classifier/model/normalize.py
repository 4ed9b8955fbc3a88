"""Embeddings as directions: of length 1, so that the product of two is their cosine."""

# Shapes: N rows, D embedding width.

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def directions(rows_ND: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each row at length 1, (N, D); a row of zeros stays as it is, so that its cosine to all is 0."""
    lengths = np.linalg.norm(rows_ND, axis=1, keepdims=True)
    return np.asarray(rows_ND / np.where(lengths == 0, 1, lengths), dtype=np.float32)
