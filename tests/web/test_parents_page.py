"""A picture of which only the parent category is sure: the page offers the categories in that parent first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from classifier.catalog import decisions
from classifier.catalog.connection import open_catalog
from classifier.reasons import Reason, ReasonCode
from classifier.records import Action, Decision, ImageId
from kit.browser import CHROMIUM, Traffic, browser, serving
from kit.pictures import COLORS, encoded, varied
from kit.reviewing import served, waiting_library

if TYPE_CHECKING:
    from pathlib import Path

WAITING = [(Action.REVIEW, category, 0.5) for category in ("a/z", "chibi", "games/blue", "games/red", "games")]


def nested_library(folder: Path) -> tuple[Path, ImageId]:
    """Of the picture whose guess is games/red only games is sure."""
    library, ids = waiting_library(
        folder, WAITING, content=lambda number: encoded(varied(COLORS["red"], seed=number), "PNG")
    )
    reason = Reason.of(ReasonCode.SURE_OF_PARENT, levels=1, parent="games", share=0.95, threshold=0.9, top=[])
    sure = Decision(image_id=ids[3], action=Action.REVIEW, category="games/red", confidence=0.1, reason=reason)
    with open_catalog(library) as catalog:
        decisions.save(catalog, [sure], run=1)
    return library, ids[3]


def test_the_parent_is_sent_where_it_alone_is_sure(tmp_path: Path) -> None:
    library, sure = nested_library(tmp_path)
    with served(library) as client:
        rows = {row["picture"]: row for row in client.get("/api/queue").json()["pictures"]}

    assert {"games", ""} == {row["parent"] for row in rows.values()}
    assert ("games", "games/red") == (rows[sure]["parent"], rows[sure]["category"])
    assert "0.95 for games, at least 0.9, but no category in it is sure enough" == rows[sure]["reason"]


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
def test_its_categories_are_offered_before_the_others_with_their_own_keys(tmp_path: Path) -> None:
    library, _ = nested_library(tmp_path)
    with serving("review", str(library), "--no-learning") as page_of, browser(Traffic()) as page:
        page.goto(page_of.address)
        first = page.wait_for_selector(".in-parent")
        assert first is not None
        offered = [one.inner_text().split("\n")[-1] for one in first.query_selector_all("button")]
        headings = [one.inner_text() for one in page.query_selector_all(".categories h2")]
        others = [
            one.inner_text().split("\n")[-1] for one in page.query_selector_all(".buttons:not(.in-parent) button")
        ]

    assert {"games", "games/blue", "games/red"} == set(offered)
    assert ["In games", "Other categories"] == headings
    assert {"a/z", "chibi"} == set(others) - {"New category for this one"}
