"""How many of the pictures that wait could be filed as the library was last sorted; pure."""

# Shapes: N pictures.

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from classifier.model.risk_control import estimated_threshold

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classifier.catalog.strictness import Strictness


def fileable(confidences: NDArray[np.floating], strictness: Strictness, *, default: float) -> int:
    """How many of these, by their calibrated confidences, (N,), would be filed; `default` is the model's threshold.

    Of a guarantee, which takes the refitted model, an estimate: as many as keep the mean of what they lack to certainty
    at or under the rate. Without one, a sort takes the same threshold as here.
    """
    if strictness.max_error is None:
        return int((confidences >= (strictness.threshold or default)).sum())
    if not strictness.guaranteed:
        return int((confidences >= estimated_threshold(strictness.max_error)).sum())
    surest = np.sort(confidences.astype(np.float64))[::-1]
    errors = np.cumsum(1 - surest) / np.arange(1, len(surest) + 1)
    return int((errors <= strictness.max_error).sum())  # the mean only grows, for the surest come first
