"""Categories that a person merged are decided as one: summed probabilities, the highest threshold."""

from __future__ import annotations

import numpy as np

from classifier.catalog.categories import CategoryAliases
from classifier.decision.policy import merge_categories

ROWS = np.array([[0.5, 0.25, 0.25], [0.25, 0.125, 0.625]])


def test_without_new_names_nothing_changes() -> None:
    found = merge_categories(("a", "b", "c"), (0.9, 0.8, 0.7), CategoryAliases())
    assert (("a", "b", "c"), (0.9, 0.8, 0.7)) == (found.categories, found.thresholds)
    assert ROWS.tolist() == found(ROWS).tolist()


def test_renaming_a_category_changes_no_probability() -> None:
    found = merge_categories(("a", "b", "c"), (0.9, 0.8, 0.7), CategoryAliases(now={"b": "d"}))
    assert (("a", "d", "c"), (0.9, 0.8, 0.7)) == (found.categories, found.thresholds)
    assert ROWS.tolist() == found(ROWS).tolist()


def test_merged_categories_are_summed_and_have_the_highest_threshold() -> None:
    found = merge_categories(("a", "b", "c"), (0.7, 0.8, 0.9), CategoryAliases(now={"c": "a"}))
    assert (("a", "b"), (0.9, 0.8)) == (found.categories, found.thresholds)
    assert [[0.75, 0.25], [0.875, 0.125]] == found(ROWS).tolist()


def test_two_forms_of_unicode_are_one_category() -> None:
    folded = merge_categories(("ガ", "カ\u3099", "x"), (0.5, 0.9, 0.7), CategoryAliases())

    assert (("ガ", "x"), (0.9, 0.7)) == (folded.categories, folded.thresholds)
    assert [[0.75, 0.25]] == folded(np.array([[0.5, 0.25, 0.25]])).tolist()
