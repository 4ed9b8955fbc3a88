"""The whole way in a real browser, by keys alone: decide, lose the server, go on, take back, file, undo."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from classifier.catalog import annotation_log
from classifier.catalog.connection import read_catalog
from classifier.filing.undo import undo
from kit.browser import CHROMIUM, Traffic, all_in_sight, browser, fetch_json, quiet, wait_for_image
from kit.bundles import color_bundle
from kit.reviewing import unsure_library
from kit.serving import server
from kit.tree import all_files

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here"),
    pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send Ctrl-C to one process"),
]

COUNT = 20


def press(page: Page, *keys: str) -> None:
    """Press keys one after the other, each when the picture that it speaks of is shown."""
    for key in keys:
        wait_for_image(page)
        before = shown(page)
        page.keyboard.press(key)
        page.wait_for_function(
            "([before]) => document.querySelector('.single')?.dataset.imageId !== before || "
            "document.querySelector('.empty') !== null",
            arg=[before],
        )


def shown(page: Page) -> str | None:
    return page.evaluate("document.querySelector('.single')?.dataset.imageId ?? null")  # type: ignore[no-any-return]


def at_rest(page: Page, number: int) -> None:
    """Wait until the server has said that `number` decisions are to be filed."""
    page.wait_for_function(
        "(n) => document.querySelector('.file span').textContent.match(/\\d+/)[0] === String(n)", arg=number
    )


def learned(page: Page, beginning: str) -> None:
    """Wait until the line that says what was learned begins so."""
    says = "([text]) => document.querySelector('#learning').textContent.startsWith(text)"
    page.wait_for_function(says, arg=[beginning], timeout=120_000)


def pictures(library: Path) -> set[str]:
    return {name for name in all_files(library) if not name.startswith((".illsort", "_broken"))}


def test_a_queue_is_cleared_by_keys_though_the_server_is_killed(tmp_path: Path, bundle: Path) -> None:
    library = unsure_library(tmp_path, bundle, COUNT)
    before, traffic = pictures(library), Traffic()
    with browser(traffic, viewport={"width": 1280, "height": 800}) as page:
        with server(library, stop=signal.SIGKILL) as first:
            page.goto(first.address)
            page.wait_for_selector(".stage img")
            press(page, "1", "2", "3", "Enter", "u", "s", "Backspace", "1")
            at_rest(page, 6)
            quiet(page, traffic)
        with server(library, port=first.port) as second:
            page.reload()
            page.wait_for_selector(".stage img")
            at_rest(page, 6)
            press(page, "Backspace", "Backspace", "1", "u")
            press(page, *["3"] * (COUNT - 6))
            page.wait_for_selector(".message")
            at_rest(page, COUNT)
            page.keyboard.press("f")
            page.keyboard.press("Enter")
            at_rest(page, 0)
            quiet(page, traffic)
        assert "all that was decided is filed" in second.stderr
        assert f"127.0.0.1:{first.port}" in traffic.hosts

    with read_catalog(library) as catalog:
        assert COUNT == annotation_log.count(catalog)
    filed = pictures(library)
    assert set() == {name for name in filed if name.startswith("_review/")}
    assert 1 == len([name for name in filed if name.startswith("_unknown/")])
    assert ([], 1) == (traffic.console, len(traffic.hosts))
    undo(library)
    assert before == pictures(library)


def test_a_grid_is_confirmed_except_for_the_marked_images(tmp_path: Path, bundle: Path) -> None:
    library = unsure_library(tmp_path, bundle, COUNT)
    traffic = Traffic()
    options = {"viewport": {"width": 390, "height": 844}, "locale": "zh-CN", "color_scheme": "dark", "has_touch": True}
    with browser(traffic, **options) as page, server(library) as first:
        page.goto(first.address)
        page.get_by_text("网格").tap()
        page.wait_for_selector(".cell img")
        cells = page.locator(".cell").count()
        first_cell = page.locator(".cell").first.get_attribute("data-image-id")
        page.locator(".cell").nth(1).tap()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("u")
        all_in_sight(page)
        page.keyboard.press("Enter")
        at_rest(page, cells - 1)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.get_by_text("English").tap()
        page.get_by_text("Back", exact=True).tap()
        at_rest(page, 0)
        page.wait_for_selector(f'.cell[data-image-id="{first_cell}"]')
        all_in_sight(page)
        page.keyboard.press("Enter")
        at_rest(page, cells)
        quiet(page, traffic)
    assert f"{cells} decisions wait to be filed" in first.stderr
    assert ([], 1) == (traffic.console, len(traffic.hosts))


def test_an_answer_that_does_not_reach_the_server_is_sent_again(tmp_path: Path, bundle: Path) -> None:
    library = unsure_library(tmp_path, bundle, 4)
    traffic = Traffic()
    with browser(traffic) as page:
        with server(library) as first:
            page.goto(first.address)
            page.wait_for_selector(".stage img")
            quiet(page, traffic)
        press(page, "1", "2")
        page.wait_for_selector("#notification.bad")
        with server(library, port=first.port):
            at_rest(page, 2)
    with read_catalog(library) as catalog:
        assert 2 == annotation_log.count(catalog)


def test_answers_are_learned_and_reorder_what_comes_next(tmp_path: Path) -> None:
    bundle = color_bundle(tmp_path / "model", labeled=True).folder
    library = unsure_library(tmp_path, bundle, 60)
    traffic = Traffic()
    with server(library, learning=True) as first, browser(traffic) as page:
        page.goto(first.address)
        has_begun = "() => document.querySelector('#choose-order')?.value === 'informative'"
        page.wait_for_function(has_begun, timeout=120_000)
        assert "The model learns from your decisions while you go on." == page.inner_text("#learning").split("\n")[0]
        press(page, *["1"] * 25)
        learned(page, "+25")
        coming = fetch_json(page, "/api/queue", order="learned", limit="60")["pictures"]
        press(page, "s")
        after = shown(page)
        assert after in {row["picture"] for row in coming[:3]}
        page.keyboard.press("Backspace")
        before = pictures(library)
        page.keyboard.press("Shift+F")
        page.keyboard.press("Enter")
        page.wait_for_function("() => document.querySelector('#notification').textContent.startsWith('Sorted again: ')")
        filed = pictures(library)
    assert ([], 1) == (traffic.console, len(traffic.hosts))
    assert 25 <= len([name for name in filed if name.startswith("blue/")])
    undo(library)
    assert before == pictures(library)
