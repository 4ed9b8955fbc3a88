"""In a real browser: the bar and the categories are whole where the window is narrow."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from classifier.records import Action
from kit.browser import CHROMIUM, Traffic, browser, wait_for_image
from kit.doubts import doubted
from kit.pictures import busy, encoded
from kit.reviewing import blended, sort_again, waiting_library
from kit.serving import server
from kit.tree import make_tree

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here"),
    pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send Ctrl-C to one process"),
]
CUT = """() => [...document.querySelectorAll("#toolbar select")].filter((list) => {
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = getComputedStyle(list).font;
  return pen.measureText(list.selectedOptions[0].textContent).width + 26 > list.clientWidth;
}).map(({ id }) => id)"""
"""The lists whose chosen line has no room beside their arrow."""


ROOM = """() => document.querySelector(".toolbar-end").getBoundingClientRect().left
  - document.querySelector("#choose-order").getBoundingClientRect().right"""


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_the_choices_of_the_bar_are_whole_beside_doubtful_labels(tmp_path: Path, locale: str) -> None:
    with (
        server(doubted(tmp_path).library) as served,
        browser(Traffic(), viewport={"width": 1280, "height": 800}, locale=locale) as page,
    ):
        page.goto(f"{served.address}#review")
        wait_for_image(page)
        page.locator("#choose-order").wait_for()

        assert 6 == page.locator("#toolbar .group").first.locator("button").count()
        assert [] == page.evaluate(CUT)
        assert page.evaluate(ROOM) > 110  # for the folders of a crawl
        assert 60 > page.locator("#toolbar").evaluate("(bar) => bar.offsetHeight")


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_the_choices_of_the_bar_are_whole_beside_the_folders_of_a_crawl(
    tmp_path: Path, bundle: Path, locale: str
) -> None:
    make_tree(tmp_path / "crawl", {f"folder {number}": {"x.png": blended(number)} for number in range(3)})
    sort_again(tmp_path, bundle)
    with (
        server(tmp_path / "sorted") as served,
        browser(Traffic(), viewport={"width": 1280, "height": 800}, locale=locale) as page,
    ):
        page.goto(f"{served.address}#review")
        wait_for_image(page)
        page.locator("#choose-folder").wait_for()

        assert [] == page.evaluate(CUT)
        assert 60 > page.locator("#toolbar").evaluate("(bar) => bar.offsetHeight")


def test_on_a_phone_categories_that_do_not_fit_are_counted_and_shown_by_a_button(tmp_path: Path) -> None:
    names = [f"a long name of category {number}" for number in range(10)]
    library, _ = waiting_library(
        tmp_path, [(Action.REVIEW, name, 0.5) for name in names], content=lambda number: encoded(busy(number), "PNG")
    )
    in_sight = """() => {
      const { top, bottom } = document.querySelector(".folded .buttons").getBoundingClientRect();
      return [...document.querySelectorAll(".folded .buttons button")].filter((one) => {
        const own = one.getBoundingClientRect();
        return own.top >= top - 1 && own.bottom <= bottom + 1;
      }).length;
    }"""
    with server(library) as served, browser(Traffic(), viewport={"width": 390, "height": 780}) as page:
        page.goto(served.address)
        wait_for_image(page)
        more = page.locator(".single .folded .more")
        more.wait_for()
        shown = page.evaluate(in_sight)

        assert f"{10 - shown} more" == more.inner_text()
        assert page.locator(".single .suggested").is_visible()
        more.click()
        assert 10 == page.evaluate(in_sight)
        assert page.evaluate("document.documentElement.scrollWidth") == 390
