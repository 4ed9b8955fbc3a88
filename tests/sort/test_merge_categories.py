"""A sort uses the category names that a person gave."""

from __future__ import annotations

from pathlib import Path

from classifier.catalog.connection import open_catalog
from classifier.web.pending_moves import file_decided
from classifier.web.session import ReviewSession
from kit.reviewing import sort_again, unsure_library
from kit.tree import all_files


def test_a_later_sort_uses_the_new_category_names(tmp_path: Path, bundle: Path) -> None:
    library = unsure_library(tmp_path, bundle, 6)
    with open_catalog(library) as catalog:
        ReviewSession(catalog).rename_category("blue", "cold")
    file_decided(library)
    after = set(all_files(library))
    assert any(name.startswith("_review/cold/") for name in after)

    sort_again(tmp_path, bundle)
    assert after == set(all_files(library))


def test_merged_categories_may_reach_a_threshold_that_neither_does(tmp_path: Path, bundle: Path) -> None:
    library = unsure_library(tmp_path, bundle, 6)
    assert not any(name.startswith("green/") for name in all_files(library))
    with open_catalog(library) as catalog:
        session = ReviewSession(catalog)
        session.rename_category("blue", "green")
        session.rename_category("red", "green")
    sort_again(tmp_path, bundle)
    assert {"green"} == {name.partition("/")[0] for name in all_files(library)}
