"""Of near-duplicates in a sample, one is kept."""

from __future__ import annotations

from classifier.active.deduplicate import drop_repeats


def test_only_images_similar_to_a_kept_one_are_dropped() -> None:
    assert {1, 4} == drop_repeats([(1, 2), (0, 1), (3, 4)])
