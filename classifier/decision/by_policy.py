"""Decides images by the policy of a sort, wherever their probabilities come from: a catalog, or files of answers."""

# Shapes: N images, M categories.

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.decision.decide import decide

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from classifier.decision.policy import CategoryMerge, Policy
    from classifier.records import Decision, ImageId


def decide_by(
    policy: Policy,
    merge: CategoryMerge,
    image_ids: Sequence[ImageId],
    probs: NDArray[np.float64],
    *,
    truncated: Sequence[bool],
    ood_scores: Sequence[float | None],
) -> list[Decision]:
    """What the policy decides of images by themselves; `probs` (N, M) are of the categories of `merge`."""
    return decide(
        image_ids,
        probs,
        categories=merge.categories,
        thresholds=merge.thresholds,
        truncated=truncated,
        ood_scores=ood_scores,
        unknown_threshold=policy.unknown_threshold,
        review_threshold=policy.review_threshold,
        guaranteed=policy.guarantee is not None,
    )
