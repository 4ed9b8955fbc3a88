"""How many images could be filed by their confidences."""

from __future__ import annotations

import numpy as np
import pytest

from classifier.catalog.strictness import Strictness
from classifier.decision.policy import count_fileable


def test_a_threshold_files_what_is_at_least_as_confident() -> None:
    confidences = np.array([0.89, 0.9, 0.95])

    assert 2 == count_fileable(confidences, Strictness(threshold=0.9), default=0.1)
    assert 2 == count_fileable(confidences, Strictness(), default=0.9)


@pytest.mark.parametrize(
    ("confidences", "kept"), [([], 0), ([0.5], 0), ([0.99, 0.98, 0.5], 2), ([0.9, 1.0, 0.97], 2), ([0.5, 0.999] * 3, 3)]
)
def test_with_a_guarantee_the_mean_confidence_keeps_the_error_rate(confidences: list[float], kept: int) -> None:
    assert kept == count_fileable(np.array(confidences), Strictness(max_error=0.02, guaranteed=True), default=0.9)


def test_without_a_guarantee_each_image_keeps_the_error_rate() -> None:
    confidences = np.array([0.9, 0.97, 0.985, 1.0])

    assert 2 == count_fileable(confidences, Strictness(max_error=0.02, guaranteed=False), default=0.9)
