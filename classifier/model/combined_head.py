"""A linear head on several depths of the network: the embedding, and the statistics of earlier stages.

Linear classifiers on intermediate layers are known to transfer better than those on the last alone (Head2Toe, Evci et
al. 2022). Each of the two is standardized by the labeled images and scaled to unit length, so that neither outweighs
the other, and an image that is far from all others is not answered with more confidence for that. Measured:
docs/LOG.md.
"""

# Shapes: N images, D embedding width, T statistics, K categories, W numbers of one of the two.

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from safetensors.numpy import save_file

from classifier.errors import Message
from classifier.model.head import LinearHead, feature_scale, fit_head, l2_normalize
from classifier.model.tensors import read_tensors

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

FROZEN, FINETUNED = 0.75, 0.25
"""The length of the statistics beside that of the embedding, 1, where the network was not fine-tuned, and where it was.

What a fine-tuned network ends in is made for the categories; its earlier stages add little (docs/LOG.md).
"""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UnitScale:
    """Standardizes rows by `mean` and `scale`, float32 (W,), and scales each to unit length."""

    mean: NDArray[np.float32]
    scale: NDArray[np.float32]

    def __call__(self, rows_NW: NDArray[np.float32]) -> NDArray[np.float32]:
        """Rows of length 1, float32 (N, W)."""
        return l2_normalize(self._standard(rows_NW))

    def times(self, rows_NW: NDArray[np.float32], weight_KW: NDArray[np.float32]) -> NDArray[np.float32]:
        """The products of rows of length 1 with a weight, float32 (N, K), without making those rows."""
        standard = self._standard(rows_NW)
        lengths = np.sqrt(np.einsum("nw,nw->n", standard, standard))
        return np.asarray(standard @ weight_KW.T / np.where(lengths == 0, 1, lengths)[:, None], dtype=np.float32)

    def _standard(self, rows_NW: NDArray[np.float32]) -> NDArray[np.float32]:
        standard = rows_NW - self.mean
        standard /= self.scale
        return standard


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CombinedHead:
    """Logits from embeddings (N, D) and statistics (N, T); the weight of `linear` is (K, D + T).

    The embedding has the length 1 and the statistics `stats_length`.
    """

    embedding: UnitScale
    stats: UnitScale
    linear: LinearHead
    stats_length: float

    def __call__(self, embeddings_ND: NDArray[np.float32], stats_NT: NDArray[np.float32]) -> NDArray[np.float32]:
        """Logits, float32 (N, K)."""
        width, weight = len(self.embedding.mean), self.linear.weight
        seen = self.embedding.times(embeddings_ND, weight[:, :width])
        return seen + self.stats.times(stats_NT, np.float32(self.stats_length) * weight[:, width:]) + self.linear.bias

    def features(self, embeddings_ND: NDArray[np.float32], stats_NT: NDArray[np.float32]) -> NDArray[np.float32]:
        """What the linear head is applied to, float32 (N, D + T)."""
        return np.concatenate(
            [self.embedding(embeddings_ND), self.stats(stats_NT) * np.float32(self.stats_length)], axis=1
        )

    @property
    def widths(self) -> tuple[int, int]:
        """D and T."""
        return len(self.embedding.mean), len(self.stats.mean)

    def save(self, path: Path) -> None:
        """Write it as safetensors."""
        save_file({name: np.ascontiguousarray(values) for name, values in self._arrays().items()}, path)

    def _arrays(self) -> dict[str, NDArray[np.float32]]:
        return {
            "embedding.mean": self.embedding.mean,
            "embedding.scale": self.embedding.scale,
            "stats.mean": self.stats.mean,
            "stats.scale": self.stats.scale,
            "stats.length": np.array([self.stats_length], np.float32),
            "weight": self.linear.weight,
            "bias": self.linear.bias,
        }


Head: TypeAlias = LinearHead | CombinedHead
"""What a bundle answers by: older bundles by a linear head on the embedding alone."""


def logits_of(
    head: Head, embeddings_ND: NDArray[np.float32], stats_NT: NDArray[np.float32] | None
) -> NDArray[np.float32]:
    """The logits by either kind of head, float32 (N, K); a combined one needs `stats_NT`."""
    if isinstance(head, LinearHead):
        return head(embeddings_ND)
    if stats_NT is None:
        raise TypeError("a combined head takes statistics as well")
    return head(embeddings_ND, stats_NT)


def fit_combined_head(
    embeddings_ND: NDArray[np.float32],
    stats_NT: NDArray[np.float32],
    targets_N: NDArray[np.int64],
    *,
    stats_length: float = FROZEN,
) -> CombinedHead:
    """Fit to category indices 0..K-1; K is at least 2 and every category occurs."""
    nothing = np.empty((0, 0), np.float32)
    scales = CombinedHead(
        embedding=_unit_scale(embeddings_ND),
        stats=_unit_scale(stats_NT),
        linear=LinearHead(weight=nothing, bias=nothing),
        stats_length=stats_length,
    )
    return replace(scales, linear=fit_head(scales.features(embeddings_ND, stats_NT), targets_N))


def _unit_scale(rows_NW: NDArray[np.float32]) -> UnitScale:
    rows = rows_NW.astype(np.float64)
    return UnitScale(mean=rows.mean(axis=0).astype(np.float32), scale=feature_scale(rows).astype(np.float32))


def load_combined_head(path: Path, *, categories: int) -> CombinedHead:
    """Read and check what `CombinedHead.save` wrote. Raises ModelError in one line: the file and what is wrong."""
    arrays = read_tensors(path, lambda read: _wrong(read, categories))
    embedding, stats = (
        UnitScale(mean=arrays[f"{name}.mean"], scale=arrays[f"{name}.scale"]) for name in ("embedding", "stats")
    )
    linear = LinearHead(weight=arrays["weight"], bias=arrays["bias"])
    return CombinedHead(embedding=embedding, stats=stats, linear=linear, stats_length=float(arrays["stats.length"][0]))


def _wrong(arrays: dict[str, NDArray[np.float32]], categories: int) -> Message | None:
    """What is wrong with the arrays, in a phrase; None when nothing is."""
    known = ["bias", "embedding.mean", "embedding.scale", "stats.length", "stats.mean", "stats.scale", "weight"]
    if sorted(arrays) != known:
        found = ", ".join(sorted(arrays)) or "nothing"
        return Message("it holds {found}, not {wanted}", found=found, wanted=", ".join(known))
    if any(numbers.dtype != np.float32 for numbers in arrays.values()):
        return Message("its numbers are not all float32")
    widths = [len(arrays[f"{name}.mean"]) if arrays[f"{name}.mean"].ndim else 0 for name in ("embedding", "stats")]
    wanted = {
        f"{name}.{part}": (width,)
        for name, width in zip(("embedding", "stats"), widths, strict=True)
        for part in ("mean", "scale")
    } | {"weight": (categories, sum(widths)), "bias": (categories,), "stats.length": (1,)}
    if any(arrays[name].shape != shape for name, shape in wanted.items()):
        return Message("its parts do not fit together")
    if not all(np.isfinite(numbers).all() for numbers in arrays.values()):
        return Message("it holds numbers that are not finite")
    if not all((arrays[f"{name}.scale"] > 0).all() for name in ("embedding", "stats")):
        return Message("it divides by what is not positive")
    return None
