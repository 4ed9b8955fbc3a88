"""The linear head in numpy: embeddings to logits without building the network, and embeddings in few directions."""

# Shapes: N images, D embedding width, K categories, S directions.

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from safetensors import SafetensorError, safe_open

from classifier.errors import ModelError, message_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

STRENGTH: Final = 0.3
"""Inverse of the regularization (scikit-learn's C); 0.1 to 1 did equally well: docs/LOG.md."""
_MOST_ITERATIONS: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LinearHead:
    """logits = embeddings @ weight.T + bias; `weight` is float32 (K, D), `bias` float32 (K,)."""

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]

    def __call__(self, embeddings_ND: NDArray[np.float32]) -> NDArray[np.float32]:
        """Logits, float32 (N, K)."""
        return embeddings_ND @ self.weight.T + self.bias


def load_linear(path: Path, *, weight: str, bias: str) -> LinearHead:
    """Read only these two tensors of a safetensors file. Raises ModelError in one line when that fails."""
    try:
        with safe_open(path, framework="np") as tensors:
            head = LinearHead(
                weight=np.asarray(tensors.get_tensor(weight), dtype=np.float32),
                bias=np.asarray(tensors.get_tensor(bias), dtype=np.float32),
            )
    except (OSError, SafetensorError, TypeError) as error:
        raise ModelError(
            "{path}: its head cannot be read ({why}); train again or restore it", path=path, why=message_of(error)
        ) from None
    if not (np.isfinite(head.weight).all() and np.isfinite(head.bias).all()):
        raise ModelError("{path}: its head holds numbers that are not finite; train again or restore it", path=path)
    if head.weight.ndim != 2 or head.bias.shape != head.weight.shape[:1]:  # noqa: PLR2004 - a matrix
        raise ModelError(
            "{path}: {weight} and {bias} are no linear head; train again", path=path, weight=weight, bias=bias
        )
    return head


def fit_head(embeddings_ND: NDArray[np.float32], targets_N: NDArray[np.int64]) -> LinearHead:
    """Fit logistic regression to category indices 0..K-1; K is at least 2 and every category occurs.

    Embeddings are taken as they are: they are standardized for the fit, which is folded back into weight and bias.
    """
    # Slow to import, and sorting does without.
    from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    embeddings = embeddings_ND.astype(np.float64)
    mean, scale = embeddings.mean(axis=0), feature_scale(embeddings)
    regression = LogisticRegression(C=STRENGTH, max_iter=_MOST_ITERATIONS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a head close to its optimum is as good
        warnings.filterwarnings("ignore", message="The number of unique classes")  # one or two labels of each
        regression.fit((embeddings - mean) / scale, targets_N)
    weight = regression.coef_ / scale
    bias = regression.intercept_ - weight @ mean
    if len(regression.classes_) == 2:  # noqa: PLR2004 - of two categories scikit-learn keeps one row, their difference
        weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    return LinearHead(weight=weight.astype(np.float32), bias=bias.astype(np.float32))


def feature_scale(embeddings_ND: NDArray[np.float64]) -> NDArray[np.float64]:
    """What each feature is divided by to standardize it, (D,); never 0.

    With few images the deviation of a rarely active feature is mostly chance. The median of all variances keeps such a
    feature from being blown up (measured: half a point better than plain standardization).
    """
    variance = embeddings_ND.var(axis=0)
    scale = np.sqrt(variance + np.median(variance))
    scale[scale == 0] = 1
    return np.asarray(scale)


def l2_normalize(rows_ND: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows scaled to unit length, (N, D), so that their products are cosines; a row of zeros stays as it is."""
    lengths = np.linalg.norm(rows_ND, axis=1, keepdims=True)
    return np.asarray(rows_ND / np.where(lengths == 0, 1, lengths), dtype=np.float32)


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
