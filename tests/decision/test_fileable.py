"""What could be filed, as the library was last sorted."""

from __future__ import annotations

import numpy as np
import pytest

from classifier.catalog.strictness import Strictness
from classifier.decision.policy import count_fileable


def test_a_threshold_files_what_is_at_least_as_sure() -> None:
    confidences = np.array([0.89, 0.9, 0.95])

    assert 2 == count_fileable(confidences, Strictness(threshold=0.9), default=0.1)
    assert 2 == count_fileable(confidences, Strictness(), default=0.9)


@pytest.mark.parametrize(
    ("confidences", "kept"), [([], 0), ([0.5], 0), ([0.99, 0.98, 0.5], 2), ([0.9, 1.0, 0.97], 2), ([0.5, 0.999] * 3, 3)]
)
def test_a_guarantee_may_file_as_many_as_keep_it_by_their_own_confidence(confidences: list[float], kept: int) -> None:
    assert kept == count_fileable(np.array(confidences), Strictness(max_error=0.02, guaranteed=True), default=0.9)


def test_without_a_guarantee_each_picture_keeps_the_error_rate_as_in_a_sort() -> None:
    confidences = np.array([0.9, 0.97, 0.985, 1.0])

    assert 2 == count_fileable(confidences, Strictness(max_error=0.02, guaranteed=False), default=0.9)
