"""The heads of the folds, kept so that a sort can ask them what they, who never saw a held-out label, say of the crawl.

Only of heads on frozen features: the networks of fine-tuned folds are not kept.
"""

# Shapes: F folds, N labeled images, D embedding width, T statistics, K categories.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from classifier.errors import Message
from classifier.model.combined_head import CombinedHead, UnitScale
from classifier.model.head import LinearHead
from classifier.model.npz import read_arrays

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from classifier.model.labeled_embeddings import LabeledEmbeddings


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FoldHeads:
    """`learned`, bool (F, N), is what each of the `heads` was fitted to; `judge`, int64 (N,), which one judges a label.

    In the order of the bundle's labeled embeddings. -1 where none does; a head is fitted to none that it judges.
    """

    heads: tuple[CombinedHead, ...]
    learned: NDArray[np.bool_]
    judge: NDArray[np.int64]

    def save(self, path: Path) -> None:
        """Write it as an .npz file that is read without pickle."""
        with path.open("wb") as file:
            np.savez_compressed(
                file,
                learned=self.learned,
                judge=self.judge,
                embedding_mean=np.stack([head.embedding.mean for head in self.heads]),
                embedding_scale=np.stack([head.embedding.scale for head in self.heads]),
                stats_mean=np.stack([head.stats.mean for head in self.heads]),
                stats_scale=np.stack([head.stats.scale for head in self.heads]),
                stats_length=np.array([head.stats_length for head in self.heads], np.float32),
                weight=np.stack([head.linear.weight for head in self.heads]),
                bias=np.stack([head.linear.bias for head in self.heads]),
            )


def load_fold_heads(path: Path, *, head: CombinedHead, labeled: LabeledEmbeddings) -> FoldHeads:
    """Read and check what `FoldHeads.save` wrote beside `head`, the bundle's own, and its labels.

    Raises ModelError in one line naming the file and what is wrong.
    """
    return read_arrays(path, _fold_heads, lambda folds: _wrong(folds, head, labeled))


def _fold_heads(arrays: dict[str, NDArray[Any]]) -> FoldHeads:
    return FoldHeads(
        heads=tuple(_head(arrays, number) for number in range(len(arrays["bias"]))),
        learned=arrays["learned"],
        judge=arrays["judge"],
    )


def _head(arrays: dict[str, NDArray[Any]], number: int) -> CombinedHead:
    embedding, stats = (
        UnitScale(mean=arrays[f"{name}_mean"][number], scale=arrays[f"{name}_scale"][number])
        for name in ("embedding", "stats")
    )
    linear = LinearHead(weight=arrays["weight"][number], bias=arrays["bias"][number])
    return CombinedHead(
        embedding=embedding, stats=stats, linear=linear, stats_length=float(arrays["stats_length"][number])
    )


def _wrong(folds: FoldHeads, own: CombinedHead, labeled: LabeledEmbeddings) -> Message | None:
    """What is wrong with the arrays, in a phrase; None when nothing is."""
    count = len(labeled)
    if folds.judge.shape != (count,) or labeled.stats is None or labeled.stats.shape[1] != own.widths[1]:
        return Message("its parts do not fit {count} pictures", count=count)
    if any(_has_misfit(head, own.widths, len(own.linear.bias)) for head in folds.heads):
        return Message("its parts do not fit together")
    learned, judge = folds.learned, folds.judge
    if (str(learned.dtype), str(judge.dtype)) != ("bool", "int64") or learned.shape != (len(folds.heads), *judge.shape):
        return Message("its parts do not fit together")
    judged = np.flatnonzero(judge >= 0)
    if not folds.heads or judge.max(initial=-1) >= len(folds.heads) or learned[judge[judged], judged].any():
        return Message("its parts do not fit together")
    return None


def _has_misfit(head: CombinedHead, widths: tuple[int, int], categories: int) -> bool:
    """Whether a head does not go with the bundle's own, or holds what is no finite number to reckon with."""
    numbers = [head.linear.weight, head.linear.bias]
    numbers += [part for scale in (head.embedding, head.stats) for part in (scale.mean, scale.scale)]
    embedding, stats = widths
    shapes = [(categories, embedding + stats), (categories,), (embedding,), (embedding,), (stats,), (stats,)]
    return (
        [part.shape for part in numbers] != shapes
        or any(part.dtype != np.float32 or not np.isfinite(part).all() for part in numbers)
        or not all((scale.scale > 0).all() for scale in (head.embedding, head.stats))
        or not np.isfinite(head.stats_length)
    )
