"""Categories that a person put together are decided as one: the sum of their shares, the strictest threshold."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from classifier.catalog.categories import CategoryAliases
from classifier.catalog.connection import open_catalog
from classifier.sort.merge_categories import fold
from classifier.web.apply import file_decided
from classifier.web.session import ReviewSession
from kit.reviewing import sort_again, unsure_library
from kit.tree import all_files

ROWS = np.array([[0.5, 0.25, 0.25], [0.25, 0.125, 0.625]])


def test_without_other_names_nothing_changes() -> None:
    found = fold(("a", "b", "c"), (0.9, 0.8, 0.7), CategoryAliases())
    assert (("a", "b", "c"), (0.9, 0.8, 0.7)) == (found.categories, found.thresholds)
    assert ROWS.tolist() == found(ROWS).tolist()


def test_a_name_alone_changes_no_number() -> None:
    found = fold(("a", "b", "c"), (0.9, 0.8, 0.7), CategoryAliases(now={"b": "d"}))
    assert (("a", "d", "c"), (0.9, 0.8, 0.7)) == (found.categories, found.thresholds)
    assert ROWS.tolist() == found(ROWS).tolist()


def test_those_put_together_have_their_sum_and_the_strictest_threshold() -> None:
    found = fold(("a", "b", "c"), (0.7, 0.8, 0.9), CategoryAliases(now={"c": "a"}))
    assert (("a", "b"), (0.9, 0.8)) == (found.categories, found.thresholds)
    assert [[0.75, 0.25], [0.875, 0.125]] == found(ROWS).tolist()


def test_a_later_sort_keeps_to_the_names_of_a_person(tmp_path: Path, bundle: Path) -> None:
    library = unsure_library(tmp_path, bundle, 6)
    with open_catalog(library) as catalog:
        ReviewSession(catalog).rename("blue", "cold")
    file_decided(library)
    after = set(all_files(library))
    assert any(name.startswith("_review/cold/") for name in after)

    sort_again(tmp_path, bundle)
    assert after == set(all_files(library))


def test_of_two_put_together_one_is_sure_where_each_alone_was_not(tmp_path: Path, bundle: Path) -> None:
    library = unsure_library(tmp_path, bundle, 6)
    assert not any(name.startswith("green/") for name in all_files(library))
    with open_catalog(library) as catalog:
        desk = ReviewSession(catalog)
        desk.rename("blue", "green")
        desk.rename("red", "green")
    sort_again(tmp_path, bundle)
    assert {"green"} == {name.partition("/")[0] for name in all_files(library)}


def test_two_forms_of_unicode_are_one_category() -> None:
    folded = fold(("ガ", "カ\u3099", "x"), (0.5, 0.9, 0.7), CategoryAliases())

    assert (("ガ", "x"), (0.9, 0.7)) == (folded.categories, folded.thresholds)
    assert [[0.75, 0.25]] == folded(np.array([[0.5, 0.25, 0.25]])).tolist()
