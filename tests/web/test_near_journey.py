"""In a real browser: the nearest labeled pictures are seen, and one key answers all that nearly repeat each other."""

# ruff: noqa: RUF001 - the page says how many times

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from classifier.catalog import annotation_log
from classifier.catalog.connection import read_catalog
from classifier.images.hashing import hash_bytes
from classifier.records import AnnotationKind
from kit.browser import CHROMIUM, Traffic, browser, quiet, wait_for_image
from kit.bundles import color_bundle
from kit.nearby import OTHERS, REPEATS, Nearby, nearby
from kit.reviewing import blended, sort_again
from kit.serving import server
from kit.tree import make_tree

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here"),
    pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send Ctrl-C to one process"),
]

PLACES = """() => ['.guesses', '.categories', '.single .actions .primary'].map((one) => {
  const { top, height } = document.querySelector(one).getBoundingClientRect();
  return one === '.single .actions .primary' ? top + height : top;
})"""


def shown(page: Page) -> str:
    return str(page.evaluate("document.querySelector('.single').dataset.imageId"))


def loaded(page: Page, what: str, count: int) -> None:
    """Wait until so many images are there and seen."""
    there = "([what, count]) => [...document.querySelectorAll(what)].filter((one) => one.naturalWidth).length === count"
    page.wait_for_function(there, arg=[what, count])


def come_to(page: Page, made: Nearby) -> list[list[float]]:
    """Skip until one of those that repeat is shown; where everything stood meanwhile."""
    places = []
    for _ in range(OTHERS + 1):
        loaded(page, ".neighbors img", 3)
        places.append(page.evaluate(PLACES))
        if (before := shown(page)) in made.repeats:
            return places
        page.keyboard.press("s")
        page.wait_for_function(
            "([before]) => document.querySelector('.single').dataset.imageId !== before", arg=[before]
        )
        places.append(page.evaluate(PLACES))
    raise AssertionError("none of those that repeat was shown")


def counted(page: Page, tray: str) -> str:
    return page.locator("#toolbar .group button", has_text=tray).locator(".number").inner_text()


def test_near_duplicates_are_answered_by_one_key_and_undone_by_one(tmp_path: Path) -> None:
    made, traffic = nearby(tmp_path), Traffic()
    with browser(traffic, viewport={"width": 1280, "height": 900}) as page:
        with server(made.library) as first:
            page.goto(first.address)
            places = come_to(page, made)
            assert all(place == places[0] for place in places)
            page.wait_for_selector(".near-duplicates:not([hidden])")
            assert f"+{REPEATS - 1} near-duplicates" in page.inner_text(".near-duplicates")
            assert "blue" in page.locator(".neighbors li").first.inner_text()
            skipped = int(counted(page, "Skipped"))

            page.keyboard.press("=")
            loaded(page, ".strip img", REPEATS - 1)
            page.get_by_text(f"{REPEATS} answered together").wait_for()
            assert f"× {REPEATS}" in page.inner_text(".actions .primary")
            wait_for_image(page)
            own = shown(page)
            page.keyboard.press("3")
            page.wait_for_function(f"() => document.querySelector('.file span').textContent === 'File {REPEATS}'")
            with read_catalog(made.library) as catalog:
                said = annotation_log.latest(catalog)
            assert {(one, AnnotationKind.RIGHT, "red") for one in made.repeats} == {
                (one.image_id, one.kind, one.category) for one in said.values()
            }
            for _ in range(OTHERS - skipped):
                assert shown(page) not in made.repeats
                page.keyboard.press("s")
            page.wait_for_selector(".message")

            for _ in range(OTHERS - skipped):
                page.keyboard.press("Backspace")
            page.keyboard.press("Backspace")
            page.wait_for_function("() => document.querySelector('.file span').textContent === 'File 0'")
            page.wait_for_function("([own]) => document.querySelector('.single').dataset.imageId === own", arg=[own])
            page.wait_for_selector(".near-duplicates.together:not([hidden])")
            quiet(page, traffic)
        with server(made.library, port=first.port):
            page.reload()
            come_to(page, made)
            page.wait_for_selector(".near-duplicates.together:not([hidden])")
            wait_for_image(page)
            page.keyboard.press("=")
            assert "×" not in page.inner_text(".actions .primary")
            page.keyboard.press("Enter")
            page.wait_for_function("() => document.querySelector('.file span').textContent === 'File 1'")
            quiet(page, traffic)
    assert ([], 1) == (traffic.console, len(traffic.hosts))


def test_the_pages_of_a_post_are_answered_by_one_key_and_undone_by_one(tmp_path: Path) -> None:
    bundle, traffic = color_bundle(tmp_path / "model").folder, Traffic()
    pages = {f"123_p{number}.png": blended(number) for number in range(3)}
    make_tree(tmp_path / "crawl", pages)
    sort_again(tmp_path, bundle)
    with browser(traffic, viewport={"width": 1280, "height": 900}) as page, server(tmp_path / "sorted") as served:
        page.goto(served.address)
        page.get_by_text("+2 pages of this post").wait_for()
        page.keyboard.press("-")
        page.get_by_text("3 answered together").wait_for()
        assert "× 3" in page.inner_text(".actions .primary")
        wait_for_image(page)
        page.keyboard.press("3")
        page.wait_for_function("() => document.querySelector('.file span').textContent === 'File 3'")
        with read_catalog(tmp_path / "sorted") as catalog:
            said = annotation_log.latest(catalog)
        assert {hash_bytes(content) for content in pages.values()} == set(said)
        page.keyboard.press("Backspace")
        page.wait_for_function("() => document.querySelector('.file span').textContent === 'File 0'")
        quiet(page, traffic)
    assert ([], 1) == (traffic.console, len(traffic.hosts))


def test_near_duplicates_are_answered_by_touch_on_a_phone_in_chinese(tmp_path: Path) -> None:
    made, traffic = nearby(tmp_path), Traffic()
    options = {"viewport": {"width": 390, "height": 844}, "locale": "zh-CN", "color_scheme": "dark", "has_touch": True}
    with browser(traffic, **options) as page, server(made.library) as first:
        for one in made.repeats[:2]:  # what is not shown is not answered with the others
            page.route(f"**/picture/{one}/small*", lambda route: route.abort())
        page.goto(first.address)
        come_to(page, made)
        together = REPEATS - len(set(made.repeats[:2]) - {shown(page)})
        page.get_by_text(f"另有 {REPEATS - 1} 张近似重复").tap()
        page.get_by_text(f"{together} 张一起决定").wait_for()
        wait_for_image(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.get_by_role("button", name="都不是").tap()
        page.wait_for_function(f"() => document.querySelector('.file span').textContent.includes(' {together} ')")
        page.get_by_role("button", name="撤回").tap()
        page.wait_for_function("() => document.querySelector('.file span').textContent.includes(' 0 ')")
        quiet(page, traffic)
    assert ([], 1) == ([one for one in traffic.console if "net::ERR_FAILED" not in one], len(traffic.hosts))
