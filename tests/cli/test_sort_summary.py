"""What a sort says of the pictures that wait."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from classifier.cli.sort_summary import in_words

OUT = Path("sorted")
COUNTS: dict[str, Any] = dict.fromkeys(
    (
        *("pictures", "filed", "review", "review_in_parents", "unknown", "broken", "videos", "ugoira", "archives"),
        *("unfinished", "system", "excluded", "labels", "unreadable", "duplicates", "deleted", "failed", "not_moved"),
        *("copies", "copies_left"),
    ),
    0,
)
SUMMARY = COUNTS | {"left_out": [], "categories": {"red": 4}, "seconds": 1.0}


def waiting(review: int, in_parents: int, *, dry_run: bool = False) -> str:
    lines = in_words(SUMMARY | {"review": review, "review_in_parents": in_parents}, OUT, dry_run=dry_run)
    return next(line.strip() for line in lines if "waiting for you" in line)


@pytest.mark.parametrize(("dry_run", "be"), [(False, ""), (True, "would be ")])
def test_a_folder_is_named_only_where_something_waits_in_it(*, dry_run: bool, be: str) -> None:
    assert f"5 {be}waiting for you in {OUT / '_review'}" == waiting(5, 3, dry_run=dry_run)
    assert f"5 {be}waiting for you" == waiting(5, 5, dry_run=dry_run)
