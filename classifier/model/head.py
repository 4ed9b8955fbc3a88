"""The last layer as numbers: what answers for known embeddings without a network. Plain numpy; knows no pictures."""

# Shapes: N pictures, D embedding width, K categories.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from safetensors import SafetensorError, safe_open

from classifier.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LinearHead:
    """logits = embeddings @ weight.T + bias; `weight` is float32 (K, D), `bias` float32 (K,)."""

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]

    def __call__(self, embeddings_ND: NDArray[np.float32]) -> NDArray[np.float32]:
        """Logits, float32 (N, K)."""
        return embeddings_ND @ self.weight.T + self.bias


def load_linear(path: Path, *, weight: str, bias: str) -> LinearHead:
    """Read two tensors of a safetensors file, and no other. Raises ModelError in one line when they are not there."""
    try:
        with safe_open(path, framework="np") as tensors:
            head = LinearHead(
                weight=np.asarray(tensors.get_tensor(weight), dtype=np.float32),
                bias=np.asarray(tensors.get_tensor(bias), dtype=np.float32),
            )
    except (OSError, SafetensorError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise ModelError(f"{path}: its head cannot be read ({reason}); train again or restore it") from None
    if not (np.isfinite(head.weight).all() and np.isfinite(head.bias).all()):
        raise ModelError(f"{path}: its head holds numbers that are not finite; train again or restore it")
    if head.weight.ndim != 2 or head.bias.shape != head.weight.shape[:1]:  # noqa: PLR2004 - a matrix
        raise ModelError(f"{path}: {weight} and {bias} are no linear head; train again")
    return head
