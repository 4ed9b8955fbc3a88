"""In a real browser: what is filed is looked through, moved with a key, undone, and found by what is like it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from classifier.catalog.connection import open_catalog, read_catalog
from classifier.catalog.copies import groups_of, replace_groups
from classifier.catalog.stats import library_stats
from classifier.filing.verify import verify
from classifier.records import Action
from kit.browser import CHROMIUM, Traffic, all_saved, browser, quiet, type_keys
from kit.nearby import REPEATS, nearby
from kit.pictures import busy, encoded
from kit.reviewing import waiting_library
from kit.serving import server
from kit.tree import all_files

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here"),
    pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send Ctrl-C to one process"),
]
COUNT = 70
"""More than one page of the grid."""
CHINESE_PHONE = {
    "viewport": {"width": 390, "height": 844},
    "locale": "zh-CN",
    "color_scheme": "dark",
    "has_touch": True,
}


def drawn(number: int) -> bytes:
    return encoded(busy(number, (64, 64)), "JPEG")


def filed_library(folder: Path) -> Path:
    """Seventy pictures of one category, the surest last, and two of another; one waits."""
    filed = [(Action.FILE, "chibi", 0.2 + number / 100) for number in range(COUNT)]
    rest = [(Action.FILE, "page", 0.9), (Action.FILE, "page", 0.8), (Action.REVIEW, "page", 0.4)]
    return waiting_library(folder, [*filed, *rest], content=drawn)[0]


def open_filed(page: Page, address: str, name: str = "Filed") -> None:
    page.goto(address)
    page.locator("#toolbar .group button", has_text=name).click()
    loaded(page)


def loaded(page: Page) -> None:
    """Wait until the first pictures of the grid are there."""
    page.wait_for_function(
        """() => {
          const first = [...document.querySelectorAll('.filed-view .cell img')].slice(0, 4);
          return first.length && first.every((one) => one.naturalWidth);
        }"""
    )


def marks(page: Page) -> list[str]:
    return [text for text in page.locator(".filed-view .mark").all_inner_texts() if text]


def to_file(page: Page, count: int) -> None:
    page.wait_for_function(f"() => document.querySelector('.file span').textContent.includes(' {count}')")


def test_wrong_ones_are_found_by_category_moved_with_a_key_and_undone(tmp_path: Path) -> None:
    library, traffic = filed_library(tmp_path), Traffic()
    before = {name: content for name, content in all_files(library).items() if not name.startswith(".illsort")}
    with browser(traffic, viewport={"width": 1280, "height": 800}) as page, server(library) as served:
        open_filed(page, served.address)
        page.select_option("#filed-category", "chibi")
        page.wait_for_function("() => !document.querySelector('.filed-view .folder')?.textContent")
        page.select_option("#filed-order", "confidence")
        loaded(page)
        assert "000.png" in str(page.locator(".filed-view .cell").first.get_attribute("title"))

        type_keys(page, "ArrowRight", " ", "ArrowRight", " ")
        assert ["✓", "✓"] == marks(page)
        page.keyboard.press("2")
        to_file(page, 2)
        assert ["→ page", "→ page"] == marks(page)
        assert before == {name: one for name, one in all_files(library).items() if not name.startswith(".illsort")}

        page.keyboard.press("Backspace")
        to_file(page, 0)
        assert [] == marks(page)
        page.locator(".filed-view .cell").nth(0).click()
        page.locator(".filed-view .cell").nth(2).click(modifiers=["Shift"])
        assert ["✓"] * 3 == marks(page)
        page.keyboard.press("2")
        to_file(page, 3)
        type_keys(page, "f", "Enter")
        page.get_by_text("3 pictures were filed").wait_for()
        page.wait_for_function("() => document.querySelector('#filed-category').textContent.includes('page (5)')")
        stats = library_stats(library)
        assert ({"chibi": COUNT - 3, "page": 5}, []) == (stats.filed, verify(library).off)
        assert 5 == len(all_files(library / "page"))

        page.keyboard.press("Backspace")
        to_file(page, 3)
        type_keys(page, "f", "Enter")
        page.wait_for_function("() => document.querySelector('#filed-category').textContent.includes('page (2)')")
        quiet(page, traffic)
    assert before == {name: one for name, one in all_files(library).items() if not name.startswith(".illsort")}
    assert ({"chibi": COUNT, "page": 2}, []) == (library_stats(library).filed, verify(library).off)
    assert ([], 1) == (traffic.console, len(traffic.hosts))


def test_filed_pictures_are_put_into_a_new_category(tmp_path: Path) -> None:
    library, traffic = filed_library(tmp_path), Traffic()
    with browser(traffic, viewport={"width": 1280, "height": 800}) as page, server(library) as served:
        open_filed(page, served.address)
        type_keys(page, " ", "ArrowRight", " ", "n")
        page.locator("dialog input").fill("sketch")
        page.keyboard.press("Enter")
        to_file(page, 2)
        assert ["→ sketch", "→ sketch"] == marks(page)
        page.locator(".filed-view .buttons button", has_text="sketch").wait_for()

        type_keys(page, "c", "n")
        page.locator("dialog input").fill("photo")
        page.keyboard.press("Enter")
        page.locator(".category-list", has_text="photo").wait_for()
        page.keyboard.press("Escape")
        page.locator(".filed-view .buttons button", has_text="photo").wait_for()

        type_keys(page, "f", "Enter")
        page.get_by_text("2 pictures were filed").wait_for()
        quiet(page, traffic)
    assert 2 == library_stats(library).filed["sketch"]
    assert ([], 1) == (traffic.console, len(traffic.hosts))


def test_all_pages_come_as_one_scrolls_and_one_picture_can_be_large(tmp_path: Path) -> None:
    library, traffic = filed_library(tmp_path), Traffic()
    with browser(traffic, viewport={"width": 1280, "height": 800}) as page, server(library) as served:
        open_filed(page, served.address)
        page.locator(".filed-view .end").scroll_into_view_if_needed()
        page.wait_for_function(f"() => document.querySelectorAll('.filed-view .cell').length === {COUNT + 2}")
        page.keyboard.press("o")
        page.get_by_text("Least confident first", exact=True).locator("visible=true").wait_for()
        page.wait_for_function("() => document.querySelector('#filed-order')?.value === 'confidence'")
        loaded(page)

        page.locator(".filed-view .cell").nth(1).dblclick()
        page.wait_for_function("() => document.querySelector('.large .stage img')?.naturalWidth")
        first = page.locator(".large").get_attribute("data-image-id")
        page.keyboard.press("ArrowRight")
        page.wait_for_function(
            "([first]) => document.querySelector('.large').dataset.imageId !== first "
            "&& document.querySelector('.large .stage img').naturalWidth",
            arg=[first],
        )
        page.keyboard.press("2")
        to_file(page, 1)
        page.keyboard.press("Escape")
        assert page.locator(".large").is_hidden()
        assert ["→ page"] == marks(page)
        all_saved(page)
        quiet(page, traffic)
    assert ([], 1) == (traffic.console, len(traffic.hosts))


def test_more_like_a_picture_that_waits_is_found_on_a_phone_in_chinese(tmp_path: Path) -> None:
    made, traffic = nearby(tmp_path), Traffic()
    with browser(traffic, **CHINESE_PHONE) as page, server(made.library) as served:
        page.goto(served.address)
        page.wait_for_selector(".single[data-image-id]")
        while page.evaluate("document.querySelector('.single').dataset.imageId") not in made.repeats:
            page.keyboard.press("s")
            page.wait_for_timeout(50)
        page.locator(".single .details").get_by_role("button", name="找相似的").tap()
        loaded(page)
        found = page.eval_on_selector_all(".filed-view .cell", "cells => cells.map((one) => one.dataset.imageId)")
        assert set(made.repeats) == set(found[:REPEATS])
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

        for number in range(REPEATS):
            page.locator(".filed-view .cell").nth(number).tap()
        page.get_by_role("button", name="red", exact=True).tap()
        to_file(page, REPEATS)
        assert ["→ red"] * REPEATS == marks(page)
        page.get_by_role("button", name="撤回").tap()
        to_file(page, 0)
        page.get_by_role("button", name="全部已归类的").tap()
        page.get_by_text("还没有已归类的图片。").wait_for()
        quiet(page, traffic)
    assert ([], 1) == (traffic.console, len(traffic.hosts))


def test_once_nothing_waits_what_is_filed_is_a_click_away(tmp_path: Path) -> None:
    library, traffic = waiting_library(tmp_path, [(Action.FILE, "chibi", 0.9)] * 3, content=drawn)[0], Traffic()
    with browser(traffic) as page, server(library) as served:
        page.goto(served.address)
        page.get_by_text("Nothing waits here.").wait_for()
        page.get_by_role("button", name="Look at what is filed").click()
        loaded(page)
        assert page.locator(".filed-view .cell").count() == 3
        quiet(page, traffic)
    assert [] == traffic.console


def test_copies_are_shown_by_themselves_and_kept_with_a_button(tmp_path: Path) -> None:
    decided = [(Action.FILE, "chibi", 0.9), (Action.DUPLICATE, "chibi", 0.5), (Action.FILE, "page", 0.8)]
    library, image_ids = waiting_library(tmp_path, decided, content=drawn)
    with open_catalog(library) as catalog, catalog.transaction():
        replace_groups(catalog, image_ids[:2], [image_ids[:2]])

    traffic = Traffic()
    with browser(traffic, viewport={"width": 1280, "height": 800}) as page, server(library) as served:
        open_filed(page, served.address)
        assert page.locator(".filed-view .cell").count() == 2
        page.locator("#filed-order").select_option("copies")
        page.wait_for_function("() => document.querySelectorAll('.filed-view .cell').length === 1")
        loaded(page)
        page.get_by_role("button", name="Keep all copies").click()
        page.get_by_text("2 pictures are filed each by itself from the next sort on").wait_for()
        page.locator("#filed-order").select_option("newest")
        page.wait_for_function("() => document.querySelectorAll('.filed-view .cell').length === 2")
        assert page.get_by_role("button", name="Keep all copies").count() == 0

    with read_catalog(library) as catalog:
        assert all(member.is_kept for group in groups_of(catalog, image_ids).values() for member in group)
