"""What could be filed, by the rule of the last sort."""

from __future__ import annotations

import numpy as np
import pytest

from classifier.relearn.share import Rule, fileable, rule_of, threshold_for


def test_a_threshold_files_what_is_at_least_as_sure() -> None:
    assert 2 == fileable(np.array([0.89, 0.9, 0.95]), Rule(threshold=0.9))


@pytest.mark.parametrize(
    ("confidences", "kept"), [([], 0), ([0.5], 0), ([0.99, 0.98, 0.5], 2), ([0.9, 1.0, 0.97], 2), ([0.5, 0.999] * 3, 3)]
)
def test_an_error_rate_files_as_many_as_keep_it_by_their_own_confidence(confidences: list[float], kept: int) -> None:
    rule = Rule(threshold=0.9, max_error=0.02)

    assert kept == fileable(np.array(confidences), rule)
    if kept:
        above = np.array([one for one in confidences if one >= threshold_for(np.array(confidences), rule)])
        assert (1 - above).mean() <= 0.02 + 1e-12


def test_the_rule_is_that_of_the_last_sort() -> None:
    assert Rule(threshold=0.8) == rule_of({"sort": {"threshold": 0.8, "max_error": None}}, 0.9)
    assert Rule(threshold=0.9, max_error=0.02) == rule_of({"sort": {"max_error": 0.02}}, 0.9)
    assert Rule(threshold=0.9) == rule_of({}, 0.9)
